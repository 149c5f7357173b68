"""The formats that every run writes."""
