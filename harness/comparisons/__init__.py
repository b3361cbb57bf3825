"""Metric × statistics → results of one model, of two models, over seeds."""
