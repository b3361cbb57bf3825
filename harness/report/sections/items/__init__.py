"""The tab of the items, and the examples of the first tab."""
