"""Language work without a model."""
