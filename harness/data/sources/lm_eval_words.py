"""Which task files of the installed lm-evaluation-harness may say what a name stands for.

Its index parses some 14,000 files, with the files that each of them includes: six seconds. The words behind four keys
of every file are read in a quarter of one, and leave a few files to parse.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_KEYS = re.compile(rb"""^["']?(task|group|tag|include)["']?[ \t]*:(.*(?:\n(?:[ \t#-].*|[ \t]*$))*)""", re.MULTILINE)
"""A key of the file itself, with the lines that belong to it."""
_WORD = re.compile(rb"""[^\s,\[\]{}"']+""")
_OTHER_FILES = (".py", ".pyc", ".md", ".sh", ".json", ".jsonl", ".csv", ".tsv", ".parquet", ".txt")
_OTHER_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True, slots=True)
class FileWords:
    """Words of all task files, as bytes and plain names: path objects of 15,000 files take as long as reading them.

    Attributes:
        files: a word → the files that have it as a task, a group or a tag, or among their members.
        including: a file's name → the files that include one of that name.
    """

    files: dict[bytes, set[str]] = field(default_factory=dict)
    including: dict[bytes, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> FileWords:
        """Reads all files below a folder. Files that only others include have names of any kind."""
        words = cls()
        for base, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name not in _OTHER_FOLDERS]
            for name in names:
                if not name.endswith(_OTHER_FILES):
                    words._add(f"{base}/{name}")
        return words

    def __contains__(self, name: str) -> bool:
        return name.encode() in self.files

    def naming(self, names: Iterable[str]) -> set[Path]:
        """The files that have one of the names, and those that include such a file."""
        reached = {file for name in names for file in self.files.get(name.encode(), ())}
        waiting = list(reached)
        while waiting:
            name = waiting.pop().rpartition("/")[2]
            further = self.including.get(name.encode(), set()) - reached
            reached |= further
            waiting += further
        return {Path(file) for file in reached}

    def _add(self, file: str) -> None:
        with open(file, "rb") as stream:  # noqa: PTH123  # a path object for each of them takes longer
            text = stream.read()
        # What is written as JSON has its keys anywhere.
        blocks = [(b"task", text), (b"include", text)] if text.lstrip()[:1] == b"{" else _KEYS.findall(text)
        for key, block in blocks:
            for word in _WORD.findall(block):
                if key == b"include":
                    self.including.setdefault(word.rpartition(b"/")[2], set()).add(file)
                else:
                    self.files.setdefault(word, set()).add(file)
