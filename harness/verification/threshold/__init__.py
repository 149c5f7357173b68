"""Where the threshold is set, and how certain it is."""
