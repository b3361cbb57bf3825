"""Models that stand on another model or on a table."""
