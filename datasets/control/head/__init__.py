"""The shape, skin and hair of a synthetic head."""
