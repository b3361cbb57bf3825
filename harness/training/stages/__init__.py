"""One file per stage, and what only stages use."""
