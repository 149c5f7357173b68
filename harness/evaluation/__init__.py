"""Evaluation: from tallies to the record, one step per module."""
