"""Tests of measures of error and of differences."""
