"""Tests of sections of the page."""
