"""A release desk: a small suite of classical models on a file of our own, and the command line on it, in seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import invoke
from harness.storage.run_dir import RunDir

SUITE = """\
name: mood
data: {notes: {file: notes.csv, columns: {text: body, label: mood}, splits: fold, slices: [place]}}
models:
  small: {classical: {task: mood, max_train_rows: 20}}
  large: {classical: {task: mood}}
compare: {baseline: small, release: [large]}
tasks: {mood: {classification: {data: notes, metrics: [accuracy, f1_macro]}}}
gates:
  - {id: kept, metric: mood.accuracy, kind: non_inferiority, margin: 0.2, min_n: 20}
"""
WORDS = {"good": ("bright", "lovely", "warm"), "bad": ("dull", "awful", "cold")}


def rows(count: int = 120) -> list[dict[str, str]]:
    """Texts with their moods; every eighth holds a word of the other mood too."""
    made = []
    for number in range(count):
        mood, other = ("good", "bad") if number % 2 else ("bad", "good")
        word, stray = WORDS[mood][number % 3], WORDS[other][number % 3] if number % 8 == 0 else "usual"
        made.append(
            {
                "body": f"The {word} and {stray} lamp number {number} of the list.",
                "mood": mood,
                "fold": "test" if number % 3 == 0 else "train",
                "place": "north" if number % 4 < 2 else "south",
            }
        )
    return made


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class ReleaseDesk:
    """A folder with a suite and its data, which is the current folder, and the command line."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str] | None) -> None:
        self.folder = folder
        self._capfd = capfd
        self.write_rows(rows())
        self.suite("mood.yaml")

    def write_rows(self, made: list[dict[str, str]]) -> None:
        lines = [",".join(row.values()) for row in made]
        (self.folder / "notes.csv").write_text("\n".join(["body,mood,fold,place", *lines]) + "\n", "utf-8")

    def suite(self, name: str, *changes: tuple[str, str]) -> Path:
        """Writes the suite with changes (old text, new text)."""
        text = SUITE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def __call__(self, *arguments: str | Path) -> Said:
        assert self._capfd is not None
        self._capfd.readouterr()
        code = invoke([*map(str, arguments)])
        out, err = self._capfd.readouterr()
        return Said(code, out, err)

    def run(self, *arguments: str | Path) -> RunDir:
        """`harness run … --json`, and the run that it made."""
        said = self("run", *arguments, "--json")
        assert said.out, said.err
        return RunDir(self.folder / said.json["run_dir"])
