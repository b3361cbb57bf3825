"""One file over the network: resumed where it stopped, bounded, and used only with the right digest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from harness.core.digests import file_digest
from harness.core.reporter import Reporter
from harness.data.sources.source_error import SourceFailed

ATTEMPTS = 3

_PASSWORD = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: from which byte on it sends, and the bytes."""

    start: int
    blocks: Iterator[bytes]


Opener = Callable[[int], AbstractContextManager[Answer]]
"""Opens the file from a byte on (0 for all of it); a server may ignore that and start at 0."""


def download(
    opener: Opener, target: Path, *, sha256: str, size: int, title: str, reporter: Reporter, pause: float = 1.0
) -> None:
    """Writes a file that must have `size` bytes and the digest `sha256`.

    What a broken or killed download left beside `target` (`.part`) is gone on from.

    Raises:
        SourceFailed: after three attempts, or for another size or digest (nothing is kept then).
    """
    part = target.with_name(f"{target.name}.part")
    problem = "no answer"
    for attempt in range(ATTEMPTS):
        try:
            _go_on(opener, part, size, title, reporter)
        except SourceFailed:
            part.unlink(missing_ok=True)
            raise
        except Exception as error:  # the HTTP library's exceptions differ between versions of unearth
            problem = f"{type(error).__name__}: {_PASSWORD.sub('//***@', str(error))}"
            if attempt + 1 < ATTEMPTS:
                time.sleep(pause * 2**attempt)
            continue
        if part.stat().st_size == size:
            break
        problem = f"the connection ended at byte {part.stat().st_size} of {size}"
    else:
        raise SourceFailed(f"the download failed {ATTEMPTS} times; last: {problem}")
    actual = file_digest(part)
    if actual != sha256:
        part.unlink()
        raise SourceFailed(f"{title} has the SHA-256 {actual[:12]}…, expected {sha256[:12]}…", damaged=True)
    part.replace(target)


def _go_on(opener: Opener, part: Path, size: int, title: str, reporter: Reporter) -> None:
    have = part.stat().st_size if part.is_file() else 0
    if have > size:
        part.unlink()
        have = 0
    if have == size:
        return
    with reporter.task(f"fetching {title}", total=size, unit="B") as task, opener(have) as answer:
        if answer.start not in (0, have):
            raise SourceFailed(f"the server answers from byte {answer.start}, asked for {have}")
        task.advance(answer.start)
        written = answer.start
        with part.open("r+b" if answer.start else "wb") as out:
            out.seek(answer.start)
            for block in answer.blocks:
                written += len(block)
                if written > size:
                    raise SourceFailed(f"{title} is larger than the {size} bytes expected", damaged=True)
                out.write(block)
                task.advance(len(block))
