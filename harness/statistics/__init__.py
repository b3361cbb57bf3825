"""Intervals and tests over sufficient statistics; knows no metric."""
