"""Commands that list what there is, and show one card."""
