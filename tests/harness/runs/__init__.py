"""Tests of runs, their cost and their files."""
