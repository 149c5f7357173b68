"""Open networks safely with onnxruntime."""
