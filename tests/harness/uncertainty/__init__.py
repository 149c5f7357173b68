"""Tests of intervals, tests and simulations."""
