"""Models of the user's own: a card, a command, or templates made elsewhere."""
