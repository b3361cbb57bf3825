"""What is read from a text that a model wrote."""
