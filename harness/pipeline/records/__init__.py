"""Checkpoints → records."""
