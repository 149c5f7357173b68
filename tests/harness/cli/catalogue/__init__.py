"""Tests of lists of models and data sets."""
