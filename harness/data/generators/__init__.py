"""Our own generated sets: minimal pairs and sentiment sentences."""
