"""Tests of rates at thresholds."""
