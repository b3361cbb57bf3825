"""Tasks and samples of lm-evaluation-harness."""
