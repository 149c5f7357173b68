"""Tests of what a data set's card says."""
