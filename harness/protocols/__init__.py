"""Published pair lists and searches, followed to the letter."""
