"""Tests of error rates and verdicts on them."""
