"""What probes measure: bias, fairness, robustness."""
