"""A transformers model in memory."""
