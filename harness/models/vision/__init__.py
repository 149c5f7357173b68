"""Detectors, alignment and pixels."""
