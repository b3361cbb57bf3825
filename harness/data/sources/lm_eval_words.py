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
    """Words of all task files.

    Attributes:
        files: a word → the files that have it as a task, a group or a tag, or among their members.
        including: a file's name → the files that include one of that name.
    """

    files: dict[str, set[Path]] = field(default_factory=dict)
    including: dict[str, set[Path]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> FileWords:
        """Reads all files below a folder. Files that only others include have names of any kind."""
        words = cls()
        for base, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name not in _OTHER_FOLDERS]
            for name in names:
                if not name.endswith(_OTHER_FILES):
                    words._add(Path(base, name))
        return words

    def _add(self, path: Path) -> None:
        text = path.read_bytes()
        # What is written as JSON has its keys anywhere.
        blocks = [(b"task", text), (b"include", text)] if text.lstrip()[:1] == b"{" else _KEYS.findall(text)
        for key, block in blocks:
            for word in _WORD.findall(block):
                written = word.decode("utf-8", "replace")
                if key == b"include":
                    self.including.setdefault(written.rpartition("/")[2], set()).add(path)
                else:
                    self.files.setdefault(written, set()).add(path)

    def naming(self, names: Iterable[str]) -> set[Path]:
        """The files that have one of the names, and those that include such a file."""
        reached = {path for name in names for path in self.files.get(name, ())}
        waiting = list(reached)
        while waiting:
            further = self.including.get(waiting.pop().name, set()) - reached
            reached |= further
            waiting += further
        return reached
