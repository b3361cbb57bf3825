"""A suite file of version 0.1.0 under the names of this version, with its lock."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.calibration.load_calibration import parse_any_suite
from harness.core.errors import Problems, SuiteError
from harness.core.reporter import Reporter
from harness.storage import atomic
from harness.storage.store import Store
from harness.suite.old_names import Migration, migrate_text
from harness.suite.yaml.located_document import decode, parse, read_bytes

if TYPE_CHECKING:
    from harness.schema.lock_file import Lock
    from harness.suite.suite import Suite


@dataclass(frozen=True)
class MigratedSuite:
    """A suite file, and what it becomes.

    Attributes:
        content: the file's bytes as they were read.
        lock_path: its lock file, whether there is one or not.
    """

    path: Path
    content: bytes
    before: str
    migration: Migration
    lock_path: Path

    @property
    def diff(self) -> Sequence[str]:
        """A unified diff, line by line; empty when there is nothing to rename."""
        before, after = (text.splitlines() for text in (self.before, self.migration.text))
        return list(difflib.unified_diff(before, after, str(self.path), str(self.path), lineterm=""))

    @cached_property
    def remaining(self) -> SuiteError | None:
        """What is wrong with the suite even after renaming."""
        problems = Problems(parse(self.before, self.path).where)
        for rename, reason in self.migration.left:
            problems.add(rename.message, *rename.path, key=rename.at_key, hint=reason)
        try:
            problems.raise_any()
            parse_any_suite(self.migration.text, self.path)
        except SuiteError as error:
            return error
        return None

    def raise_remaining(self) -> None:
        """Raises what remains to be done by hand.

        Raises:
            SuiteError: when the suite is wrong even after renaming.
        """
        if self.remaining is not None:
            raise self.remaining

    def write(self, store: Store, reporter: Reporter) -> Lock | None:
        """Rewrites the file, and renews its lock where there is one and the suite is valid.

        Returns:
            The renewed lock.

        Raises:
            LockError: when the lock is not of the suite as it stood; the suite is rewritten all the same.
        """
        mark = codecs.BOM_UTF8 if self.content.startswith(codecs.BOM_UTF8) else b""
        atomic.write_bytes(self.path, mark + self.migration.text.encode("utf-8"))
        if self.remaining is not None or not self.lock_path.is_file():
            return None
        from harness.pipeline.suite_lock import renew_lock

        suite: Suite = parse_any_suite(self.migration.text, self.path)
        return renew_lock(parse(self.before, self.path).value, suite, self.lock_path, store, reporter)


def migrate_suite(path: Path, lock_path: Path) -> MigratedSuite:
    """Reads a suite file and renames what has another name now; writes nothing.

    Raises:
        SuiteError: when the file cannot be read or is not YAML.
    """
    content = read_bytes(path)
    text = decode(content, path)
    return MigratedSuite(path, content, text, migrate_text(text, path), lock_path)
