"""YAML → a validated suite, or every fault with its place."""
