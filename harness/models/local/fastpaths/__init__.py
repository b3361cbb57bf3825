"""Optional fast paths: less work, same answers, checked on first use."""
