"""Rules over results → verdicts."""
