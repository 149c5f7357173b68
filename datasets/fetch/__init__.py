"""Fetch what faceparity does not ship: the only code that touches the network."""
