"""Read foreign file formats without running anything that they hold."""
