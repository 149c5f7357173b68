"""Speeds, and studies by simulation, each run as a module."""
