"""Tests of what readers load with: tables, labels, images."""
