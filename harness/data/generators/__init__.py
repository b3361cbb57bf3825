"""Datasets that harness generates itself."""
