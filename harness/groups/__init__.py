"""Groups of people, and how small ones are kept from being told."""
