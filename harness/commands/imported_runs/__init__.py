"""Logs of other tools as finished runs."""
