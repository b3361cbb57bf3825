"""Suite → checkpoints."""
