"""A run, read once, with look-ups."""
