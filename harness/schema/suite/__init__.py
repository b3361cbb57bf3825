"""Sections of a suite that belong to no model kind, and gate rules."""
