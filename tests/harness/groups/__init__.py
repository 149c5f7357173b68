"""Tests of groups, and of what is said of small ones."""
