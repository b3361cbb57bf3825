"""Word lists by group, built in and supplied by the user."""
