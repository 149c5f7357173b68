"""Tests of controlled experiments."""
