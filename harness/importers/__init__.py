"""Readers of other tools' logs: one tool, one file."""
