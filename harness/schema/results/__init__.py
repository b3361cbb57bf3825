"""results.json, and how its numbers are written."""
