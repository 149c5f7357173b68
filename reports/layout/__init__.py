"""What a page consists of, in every format."""
