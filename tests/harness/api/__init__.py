"""Tests of the Python interface and its pages."""
