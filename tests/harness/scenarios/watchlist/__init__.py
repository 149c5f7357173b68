"""Tests of the watchlist scenario."""
