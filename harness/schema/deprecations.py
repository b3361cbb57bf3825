"""Words of a suite that a later version calls otherwise, and still reads: the promise of docs/stability.md.

An entry stays for two minor versions after `since`; then the word becomes an error that names the new one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deprecation:
    """One key of a suite that has another name now.

    Attributes:
        path: the keys that lead to it, the old key last; `*` stands for any key.
        new: the key's name now.
        since: the version that renamed it.
        until: the first version that does not read it any more.
    """

    path: tuple[str, ...]
    new: str
    since: str
    until: str


DEPRECATIONS: tuple[Deprecation, ...] = ()
