"""Protocols and the few words that every layer shares."""
