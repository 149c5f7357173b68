"""Cards and data sets, as the rest of the package knows them."""
