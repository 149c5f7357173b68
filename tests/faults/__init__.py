"""Faults and spoiled input, and what becomes of them."""
