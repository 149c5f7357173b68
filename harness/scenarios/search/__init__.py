"""Searches, galleries and line-ups."""
