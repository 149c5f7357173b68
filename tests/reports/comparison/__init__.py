"""Tests of the page of models side by side."""
