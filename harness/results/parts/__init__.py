"""What every part of the record is made of."""
