"""The page's first tab: decision, gates, cards."""
