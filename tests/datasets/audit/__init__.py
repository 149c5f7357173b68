"""Tests of what looks over a data set: support of groups, near duplicates."""
