"""One module for each layout that a publisher uses."""
