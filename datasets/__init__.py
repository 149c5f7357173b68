"""faceparity.datasets: what is measured on: cards, readers, download."""
