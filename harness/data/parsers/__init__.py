"""Bytes → rows, one file per format."""
