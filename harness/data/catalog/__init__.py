"""The built-in list of datasets, and how an entry is opened."""
