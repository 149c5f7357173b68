"""Tests of downloads of weights and data sets."""
