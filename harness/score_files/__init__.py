"""Scores of any system, read from a table and measured."""
