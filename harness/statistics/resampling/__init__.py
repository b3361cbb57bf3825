"""Bootstraps and randomization tests."""
