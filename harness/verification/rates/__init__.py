"""Error rates of groups, their comparison, and what may be said of a difference."""
