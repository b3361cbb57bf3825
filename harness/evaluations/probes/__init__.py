"""Probes measure bias, fairness or robustness: one file per probe."""
