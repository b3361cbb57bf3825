"""The same text about other people."""
