"""Templates: the extraction pipeline and the encrypted store."""
