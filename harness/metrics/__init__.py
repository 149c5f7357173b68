"""Metrics: error rates and differential measures."""
