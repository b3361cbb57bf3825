"""Bytes → text: the encoding is given, declared by a byte order mark, plain UTF-8, or guessed; a guess is told."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from harness.core.errors import DataError, Where

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, the longer ones first: UTF-32's begins with UTF-16's. UTF-8's is dropped where UTF-8 is read."""
_USUAL = "cp1252"
"""What a text of one byte per character is where nothing speaks against it, as on the web (WHATWG); holds latin-1."""
_CLEARLY = 0.1
"""By how much of `charset_normalizer`'s coherence (0 to 1) another encoding must read better than the usual one."""
_SAMPLE = 1 << 16
_HEAD = 64


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: with `\\n` as the only line end, and without a byte order mark.
        encoding: Python's name of the encoding.
        guessed: neither the caller nor the file says so.
    """

    text: str
    encoding: str
    guessed: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """The guess in a sentence; none where nothing was guessed."""
        if not self.guessed:
            return ()
        guess = f"read as {self.encoding}, guessed from the bytes (it reads {_shown(self.text)})"
        return (f"{guess}; set `encoding` to confirm or correct it",)


def decode(content: bytes, where: str, encoding: str | None = None) -> Decoded:
    """The text of a file's bytes.

    Args:
        encoding: Python's name of it. Left out: what the byte order mark says, else UTF-8, else a guess.

    Raises:
        DataError: for an unknown encoding, bytes that do not fit it, bytes that fit several encodings alike,
            and binary content.
    """
    named = _known(encoding, where) if encoding is not None else _marked(content)
    if named is not None:
        return Decoded(_text(content, named, where), named, False)
    wide = _wide(content)
    if wide is not None:
        return Decoded(_text(content, wide, where), wide, True)
    try:
        return Decoded(_plain(content.decode("utf-8"), where), "utf-8", False)
    except UnicodeDecodeError as error:
        if _is_damaged_utf8(content):
            raise _unfit(content, "utf-8", error, where) from None
    guess = _guess(content, where)
    return Decoded(_text(content, guess, where), guess, True)


def _known(encoding: str, where: str) -> str:
    try:
        codec = codecs.lookup(encoding)
        "".encode(codec.name)  # LookupError for codecs between bytes and bytes, such as zlib
    except (LookupError, ValueError):
        raise DataError(
            f"unknown encoding {encoding!r}.",
            where=Where(where),
            hint="use a name that Python knows, such as utf-8, utf-16, latin-1, cp1252, or shift_jis.",
        ) from None
    return codec.name


def _marked(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark, by its zeros: the first line, names of columns or words, is mostly ASCII."""
    head = content[:_HEAD]
    if len(head) < 4 or len(content) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if not even and odd * 2 > half:
        return "utf-16-le"
    return "utf-16-be" if not odd and even * 2 > half else None


def _text(content: bytes, encoding: str, where: str) -> str:
    try:
        return _plain(content.decode(encoding), where)
    except UnicodeDecodeError as error:
        raise _unfit(content, encoding, error, where) from None


def _unfit(content: bytes, encoding: str, error: UnicodeDecodeError, where: str) -> DataError:
    at = f"the byte 0x{content[error.start]:02x}" if error.start < len(content) else "the end of the file"
    return DataError(
        f"expected {encoding.upper()}, found {at} at offset {error.start}.",
        where=Where(where, content.count(b"\n", 0, error.start) + 1),
        hint="correct the file, or set `encoding` to the one that it is written in, such as `encoding: cp1252`.",
    )


def _plain(text: str, where: str) -> str:
    """The text without marks of its byte order (tools that append to a file write one more) and with `\\n` alone."""
    text = text.lstrip("\ufeff")
    zero = text.find("\0")
    if zero >= 0:
        raise DataError(
            "expected text, found a null byte; the file looks binary.",
            where=Where(where, text.count("\n", 0, zero) + 1),
            hint="use a csv, tsv, jsonl, json, parquet, or txt file, and set `format` if the extension does not match.",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_damaged_utf8(content: bytes) -> bool:
    """Characters beyond ASCII that are UTF-8 are at least as many as bytes that are not: another encoding hardly does
    that."""
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    beyond = len(text.encode("ascii", "ignore"))
    return bad * 2 <= len(text) - beyond


def _guess(content: bytes, where: str) -> str:
    """The encoding of bytes that are not UTF-8.

    Raises:
        DataError: when two encodings fit alike and give other texts, or none fits.
    """
    from charset_normalizer import from_bytes

    sample = _beyond_ascii(content)
    matches = list(from_bytes(sample, cp_exclusion=["utf_8", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_7"]))
    if not matches:
        raise DataError(
            "the encoding of the file is unknown.", where=Where(where), hint="set `encoding`, or save it as UTF-8."
        )
    coherence = max(match.coherence for match in matches)
    fitting = [match for match in matches if coherence - match.coherence <= _CLEARLY]
    fitting.sort(key=lambda match: (match.chaos, -match.coherence))
    if any(_USUAL in match.could_be_from_charset for match in fitting):
        return _USUAL
    best = fitting[0]
    chosen = str(best.encoding)
    for other in fitting[1:]:
        # Without a language that reads well, few odd characters are no evidence: Japanese fits Korean's encoding.
        alike = (other.chaos, other.coherence) == (best.chaos, best.coherence)
        if (alike or not coherence) and str(other) != str(best):
            raise DataError(
                f"the file can be read as {chosen} ({_shown(str(best))}) or as {other.encoding} "
                f"({_shown(str(other))}).",
                where=Where(where),
                hint=f"set `encoding: {chosen}` or `encoding: {other.encoding}`.",
            )
    return chosen


def _beyond_ascii(content: bytes) -> bytes:
    """The first lines that hold other bytes than ASCII's: only these tell encodings apart."""
    lines, size = [], 0
    for line in content.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size >= _SAMPLE:
                break
    return b"".join(lines)[:_SAMPLE]


def _shown(text: str) -> str:
    """The first letters beyond ASCII with what is around them."""
    first = next((place for place, letter in enumerate(text) if not letter.isascii()), 0)
    return repr(text[max(0, first - 4) : first + 12])
