"""Tests of comparisons and their tally."""
