"""Convert published weights of other formats to ONNX, on this machine."""
