"""Tests of models that users bring."""
