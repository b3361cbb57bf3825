"""Geometry of charts; knows nothing of a run."""
