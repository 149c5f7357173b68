"""Tests of words and numbers in reports."""
