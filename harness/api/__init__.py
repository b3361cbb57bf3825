"""`harness.compare` and `harness.judge` over tables that people already have."""
