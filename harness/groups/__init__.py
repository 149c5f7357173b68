"""Groups of people, and the protection of small ones."""
