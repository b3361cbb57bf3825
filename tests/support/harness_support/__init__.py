"""What several test files share: sample records and runs, tiny models, a toy server, plain references."""
