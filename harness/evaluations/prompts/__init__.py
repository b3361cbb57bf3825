"""How an item becomes the text that a model reads."""
