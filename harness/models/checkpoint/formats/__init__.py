"""Files of a checkpoint folder, one format each."""
