"""Suites that come with faceparity."""
