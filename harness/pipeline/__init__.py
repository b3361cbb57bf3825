"""Carries out a suite. The only room that reaches models and training."""
