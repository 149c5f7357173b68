"""Tests of the threshold and what it rests on."""
