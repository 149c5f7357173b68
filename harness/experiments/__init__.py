"""Controlled experiments: the same heads under several conditions."""
