"""Bias mitigation on the training rows: other rows, or other weights of rows."""
