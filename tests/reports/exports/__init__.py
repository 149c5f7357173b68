"""Tests of PDF and figures to take away."""
