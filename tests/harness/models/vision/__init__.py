"""Tests of detection, landmarks and alignment."""
