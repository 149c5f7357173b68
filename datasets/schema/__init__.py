"""Schemas of cards and of data sets in memory."""
