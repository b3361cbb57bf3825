"""Texts with marks: tagged words, questions with choices or several answers, and definitions."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.digests import fraction
from harness.core.errors import DataError, Where
from harness.data.parsers.json_documents import parse_jsonl
from harness.data.parsers.raw_row import Raw, text_of

_LETTERS = "ABCDEFGHIJ"
_CHOICE = re.compile(r"^([A-J])[.)]\s*(.*?)\s*$", re.MULTILINE)
_LEMMA = re.compile(r"[a-z]{4,10}\Z")
_OTHERS = 3
_MOST_BYTES = 1 << 28


def parse_conll(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """One word a line, tag in the last column, empty lines between sentences: columns `words`, `tags`, `number`.

    Columns are separated by tabs where any line has one, else by spaces; all lines have equally many. Lines that start
    with `-DOCSTART-` end a sentence. A space within a word (between tabs) becomes a no-break space, since spaces
    separate the words of a row.
    """
    lines = [*text_of(content, where).split("\n"), ""]
    separator = "\t" if any("\t" in line for line in lines) else None
    words: list[str] = []
    tags: list[str] = []
    start, number, width = 1, 0, 0
    for line_number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("-DOCSTART-"):
            cells = line.split(separator)
            width = width or len(cells)
            _check_conll(line, cells, width, Where(where, line_number))
            words.append(cells[0].strip().replace(" ", "\u00a0"))
            tags.append(cells[-1].strip())
            continue
        if words:
            if width > 2 and len(words) > 1 and words == [str(place) for place in range(1, len(words) + 1)]:
                raise DataError(
                    f"the first column counts the words ({' '.join(words[:3])} …), as in CoNLL-U; expected the words.",
                    where=Where(where, start),
                    hint="remove the column, so that each line begins with its word and ends with its tag.",
                )
            number += 1
            yield Raw(start, {"words": " ".join(words), "tags": " ".join(tags), "number": number})
            words, tags = [], []
        start = line_number + 1


def _check_conll(line: str, cells: list[str], width: int, place: Where) -> None:
    if len(cells) < 2 or not cells[0].strip() or not cells[-1].strip():
        raise DataError(
            f"expected a word and its tag, found {line[:60]!r}.",
            where=place,
            hint="write the tag as the last column, `O` where there is none; columns are separated by tabs where any "
            "line has one.",
        )
    if len(cells) != width:
        raise DataError(
            f"expected {width} columns as in the lines before, found {len(cells)} in {line[:60]!r}.",
            where=place,
            hint="give every word the same columns, and remove comment lines.",
        )


def parse_lists(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """JSON lines whose lists of texts become JSON text, so that a cell can hold several answers."""
    for raw in parse_jsonl(content, where, options):
        fields = {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
            for name, value in raw.fields.items()
        }
        yield Raw(raw.line, fields)


def parse_choices(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """JSON lines with `options` as `A. first\\nB. second` and `answer` as one of them: columns `choices`, `answer`.

    Questions without an answer, whose answer is none of the choices, or that lost some of their choices, are left out.
    """
    for raw in parse_jsonl(content, where, options):
        given = str(raw.fields.get("options", ""))
        by_letter = dict(_CHOICE.findall(given))
        choices = list(by_letter.values())
        letter = str(raw.fields.get("answer", ""))[:1]
        whole = "".join(by_letter) == _LETTERS[: len(choices)] and len(set(choices)) == len(choices) > 1
        if by_letter.get(letter) and whole and all(choices):
            yield Raw(raw.line, {**raw.fields, "choices": json.dumps(choices, ensure_ascii=False), "answer": letter})


def parse_squad(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """SQuAD's JSON: columns `id`, `title`, `context`, `question`, `answers` (a JSON list, may be empty)."""
    try:
        articles = json.loads(text_of(content, where))["data"]
        line = 0
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    line += 1
                    answers = list(dict.fromkeys(answer["text"] for answer in question["answers"]))
                    yield Raw(
                        line,
                        {
                            "id": str(question["id"]),
                            "title": article.get("title", ""),
                            "context": paragraph["context"],
                            "question": question["question"],
                            "answers": json.dumps(answers, ensure_ascii=False),
                        },
                    )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"not a SQuAD file: {error!r:.120}.", where=Where(where)) from error


def parse_glosses(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Gzipped lines `lemma<TAB>gloss | gloss`: columns `lemma`, `gloss`, `right`, `wrong`.

    Single words of 4 to 10 letters with the first gloss, where it does not hold the word itself. `right` is `gloss:
    lemma`, `wrong` a JSON list of the same gloss with three other words of equal length, chosen by hash, so that
    words are as often wrong as right.
    """
    kept: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(_unzipped(content, where).split("\n"), 1):
        lemma, _, glosses = line.partition("\t")
        gloss = glosses.split(" | ")[0].strip()
        if _LEMMA.match(lemma) and 3 <= len(gloss.split()) <= 12 and lemma[:4] not in gloss.lower():
            kept[lemma] = (number, gloss)
    groups: dict[int, list[str]] = {}
    for lemma in sorted(kept, key=fraction):
        groups.setdefault(len(lemma), []).append(lemma)
    for group in groups.values():
        for place, lemma in enumerate(group):
            number, gloss = kept[lemma]
            others = [group[(place + step) % len(group)] for step in range(1, _OTHERS + 1)]
            if lemma in others:
                continue
            wrong = json.dumps([f"{gloss}: {other}." for other in dict.fromkeys(others)], ensure_ascii=False)
            yield Raw(number, {"lemma": lemma, "gloss": gloss, "right": f"{gloss}: {lemma}.", "wrong": wrong})


def parse_jsonl_gz(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """As `parse_jsonl`, of gzipped text."""
    return parse_jsonl(_unzipped(content, where).encode(), where, options)


def _unzipped(content: bytes, where: str) -> str:
    try:
        unfolded = zlib.decompressobj(wbits=31).decompress(content, _MOST_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"not gzipped text: {error}.", where=Where(where)) from error
    return text_of(unfolded, where)
