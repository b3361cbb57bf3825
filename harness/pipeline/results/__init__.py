"""Records → metrics, comparisons and verdicts; no model is run here."""
