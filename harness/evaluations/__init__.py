"""What tasks and probes share."""
