"""Plain texts: one per line, and the articles of WikiText."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.data.parsers.raw_row import Raw, text_of

_TITLE = re.compile(r" = ([^=].*?) = \Z")
_HEADING = re.compile(r" (?:= )+.*(?: =)+ \Z")


def parse_txt(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """One text per line that is not empty: column `text`."""
    for number, line in enumerate(text_of(content, where).split("\n"), 1):
        if line.strip():
            yield Raw(number, {"text": line.strip()})


def parse_wikitext(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Paragraphs with their article: columns `number` (of the article), `article` (its title), `text`.

    Headings are left out.

    A title stands between single equals signs and follows an empty line, as sections do not
    (`= = Career = =`).
    """
    article = ""
    article_number = 0
    empty = True
    for number, line in enumerate(text_of(content, where).split("\n"), 1):
        title = _TITLE.match(line)
        if title is not None and empty:
            article = title.group(1)
            article_number += 1
        elif line.strip() and _HEADING.match(line) is None:
            yield Raw(number, {"number": article_number, "article": article, "text": line.strip()})
        empty = not line.strip()
