"""File formats: what suites, results, run.json and lock files may hold."""
