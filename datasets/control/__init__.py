"""Generate the embedded control set: synthetic heads of nobody, known exactly."""
