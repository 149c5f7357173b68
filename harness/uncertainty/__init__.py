"""Uncertainty: variances by subjects, intervals, contrasts, null distributions."""
