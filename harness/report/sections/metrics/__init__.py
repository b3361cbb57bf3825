"""The tab of the metrics: all of them, by slice, by label, by threshold."""
