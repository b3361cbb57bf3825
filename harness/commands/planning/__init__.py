"""What a run would do, take and show, before it runs."""
