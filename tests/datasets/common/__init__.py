"""Tests of what all of faceparity.datasets needs."""
