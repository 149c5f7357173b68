"""Tests of one model's evaluation on one data set."""
