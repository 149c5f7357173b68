"""Verification, one to one: from evidence to thresholds, rates, contrasts and verdicts."""
