"""What a model is: its protocol, its card, how it is named."""
