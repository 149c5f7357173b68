"""Tests of how the control set is made."""
