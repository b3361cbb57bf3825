"""Gates of other tools, as far as they mean the same here: one tool, one file."""
