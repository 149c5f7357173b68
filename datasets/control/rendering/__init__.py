"""From a synthetic head to a picture."""
