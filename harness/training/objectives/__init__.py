"""What pretraining predicts, and what it needs for that."""
