"""Models and data sets side by side."""
