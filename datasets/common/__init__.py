"""Files, folders and texts: what all packages share."""
