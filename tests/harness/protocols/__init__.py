"""Tests of protocols that benchmarks publish."""
