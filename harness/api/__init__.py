"""For notebooks and scripts: one call that evaluates, and a result that shows itself."""
