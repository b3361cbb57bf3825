"""One function per command, without click."""
