"""What commands share: the console and the command as published."""
