"""The report on models and data sets side by side."""
