"""YAML text → a tree whose nodes know their place."""
