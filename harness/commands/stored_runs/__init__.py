"""What is done with finished runs: judged again, compared, explained, relabeled, repeated, tested."""
