"""Tests of extraction and the store of templates."""
