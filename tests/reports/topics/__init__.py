"""Tests of the optional topics of reports."""
