"""Comparisons of templates, and their tally."""
