"""Tests of networks converted to ONNX."""
