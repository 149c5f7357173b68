"""Templates: their extraction and the encrypted store that keeps them."""
