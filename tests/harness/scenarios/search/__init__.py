"""Tests of the search scenario."""
