"""Tests of what every model must answer."""
