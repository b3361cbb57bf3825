"""What a checkpoint folder holds, where it comes from, its digest; no torch."""
