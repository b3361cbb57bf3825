"""Tasks measure a capability: one file per task."""
