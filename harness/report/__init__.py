"""A run directory → pages and files."""
