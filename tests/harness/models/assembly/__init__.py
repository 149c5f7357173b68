"""Tests of models put together from components."""
