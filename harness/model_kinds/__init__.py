"""The kinds of model that a suite may name: one light file per kind."""
