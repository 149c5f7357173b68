"""Put a model together from detector, alignment and network."""
