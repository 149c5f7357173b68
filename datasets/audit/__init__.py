"""Check a copy of a data set: missing and doubtful files, near duplicates, what its groups can support."""
