"""Suites that are written for someone: from their data and checkpoints."""
