"""Tests of networks in ONNX."""
