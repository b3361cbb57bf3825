"""Texts → token ids, for scoring, training and export alike."""
