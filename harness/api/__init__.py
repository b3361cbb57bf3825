"""The Python interface: comparisons and gates over results that people already have, without any model."""
