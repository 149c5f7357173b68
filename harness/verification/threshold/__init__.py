"""The threshold: how it is set, and how certain it is."""
