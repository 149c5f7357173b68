"""The record of watchlists, searches and line-ups."""
