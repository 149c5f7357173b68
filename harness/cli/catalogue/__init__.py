"""Commands that list data sets, models, claims and scenarios, and show one card."""
