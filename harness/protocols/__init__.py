"""Published pair lists and searches, followed exactly."""
