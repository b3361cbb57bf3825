"""The built-in datasets, one YAML file each."""
