"""harness compares a base language model with its fine-tuned specialisations, and says how sure it is."""
