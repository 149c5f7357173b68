"""Tests of parsers of files from strangers."""
