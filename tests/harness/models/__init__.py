"""Tests of models and their cards."""
