"""Generated worlds whose bias is known: their vocabulary, their texts, and the sets that probes read."""
