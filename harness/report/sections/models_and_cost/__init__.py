"""The tab of the models: what they cost, learned, and wrote."""
