"""Tasks that rank documents: a whole corpus, or a few candidates."""
