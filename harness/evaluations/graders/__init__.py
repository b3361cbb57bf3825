"""What other models say about a text."""
