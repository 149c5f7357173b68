"""Comparisons: the tally of every pair."""
