"""Tests of deployment scenarios."""
