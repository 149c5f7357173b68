"""Tests of faceparity.reports, and made-up evaluations."""
