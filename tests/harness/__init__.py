"""Tests of faceparity.harness, and toy models, templates and runs."""
