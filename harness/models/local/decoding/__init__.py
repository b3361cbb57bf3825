"""Generation, token by token."""
