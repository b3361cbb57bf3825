"""training.jsonl: one line every few steps, of steps that count (a killed attempt's tail is cut)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from harness.storage import atomic

LOG_FILE = "training.jsonl"


class _Line(TypedDict):
    """What is read of a line again."""

    step: int
    seconds: float


class TrainingLog:
    """Appends lines to `training.jsonl`.

    Args:
        folder: the stage's work folder.
        step: lines after this step are of an attempt that was killed later; they are cut off.
    """

    def __init__(self, folder: Path, *, step: int = 0) -> None:
        self.path = folder / LOG_FILE
        kept = [line for line in _lines(self.path) if line["step"] <= step]
        atomic.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self.seconds_before = kept[-1]["seconds"] if kept else 0.0

    def write(
        self, *, step: int, tokens: int, loss: float, learning_rate: float, seconds: float, tokens_per_second: float
    ) -> None:
        """Adds a line. `tokens` are counted since the start, `seconds` over all attempts."""
        line = {
            "step": step,
            "tokens": tokens,
            "loss": round(loss, 6),
            "learning_rate": learning_rate,
            "seconds": round(self.seconds_before + seconds, 3),
            "tokens_per_second": round(tokens_per_second, 1),
        }
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")


def _lines(path: Path) -> list[_Line]:
    """The lines that can be read; a kill can leave half of the last one."""
    if not path.is_file():
        return []
    lines: list[_Line] = []
    for text in path.read_text("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            lines.append({**line, "step": int(line["step"]), "seconds": float(line["seconds"])})
        except (ValueError, KeyError, TypeError):
            break
    return lines
