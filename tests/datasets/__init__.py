"""Tests of faceparity.datasets, and data sets in small."""
