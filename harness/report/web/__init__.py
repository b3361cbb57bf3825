"""What the browser gets: templates, style, script, item data."""
