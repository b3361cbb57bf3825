"""Where a checkpoint comes from: a folder, the hub, the package index, the built-in catalog."""
