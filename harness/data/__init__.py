"""Datasets: open, split, fingerprint, compare, audit."""
