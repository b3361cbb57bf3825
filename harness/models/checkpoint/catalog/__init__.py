"""The built-in checkpoints, one YAML file each."""
