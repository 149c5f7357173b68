"""Tests of published claims and verdicts on them."""
