"""Tests of records and their bounds."""
