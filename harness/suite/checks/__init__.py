"""References, metrics and gates of a suite, checked before anything runs."""
