"""Small changes to a text that should not matter."""
