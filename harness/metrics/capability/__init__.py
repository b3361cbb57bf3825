"""What tasks measure, one file per family."""
