"""The command line: one thin file per command, imported when the command runs."""

from __future__ import annotations

from harness.cli.app import main

__all__ = ["main"]
