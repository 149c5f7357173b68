"""What a page is made of, whatever its format."""
