"""Tasks about code: its next line, and whole programs from their description."""
