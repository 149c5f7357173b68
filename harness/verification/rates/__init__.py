"""Error rates of groups, how they compare, and what may be said of a difference."""
