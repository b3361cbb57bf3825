"""A source that could not give its bytes: the next one is tried."""

from __future__ import annotations


class SourceFailed(Exception):
    """One source failed.

    Attributes:
        reason: one sentence for people.
        damaged: bytes arrived, and their digest or form is not what the catalog pins.
        absent: the source does not exist here (no mirror folder); not worth a line on its own.
    """

    def __init__(self, reason: str, *, damaged: bool = False, absent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.damaged = damaged
        self.absent = absent


def checked(content: bytes, sha256: str, name: str) -> bytes:
    """The content when its digest is `sha256`.

    Raises:
        SourceFailed: when it is another one; the content must not be used.
    """
    from harness.core.digests import bytes_digest

    actual = bytes_digest(content)
    if actual != sha256:
        raise SourceFailed(
            f"{name} has the SHA-256 {actual[:12]}…, expected {sha256[:12]}… ({len(content)} bytes)", damaged=True
        )
    return content
