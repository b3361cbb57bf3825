"""Planted bias: run a plain suite once per world, and judge the probes by what they find."""
