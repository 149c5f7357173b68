"""Render a synthetic head as a picture."""
