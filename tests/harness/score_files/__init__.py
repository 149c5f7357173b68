"""Tests of evaluations of files of scores."""
