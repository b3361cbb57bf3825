"""Files on disk: store, atomic writes, run directory, cached responses."""
