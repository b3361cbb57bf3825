"""Small files that readers get wrong, with the columns id, text, label and prediction."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_HEADER = ("id", "text", "label", "prediction")
_ROWS = (
    ("1", "Un café très agréable", "bon", "bon"),
    ("2", "Le thé était froid", "mauvais", "bon"),
    ("3", "Une journée parfaite", "bon", "bon"),
    ("4", "Rien à répéter", "mauvais", "mauvais"),
)


def _table(*rows: tuple[str, ...], delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in (_HEADER, *rows)) + end


def _labels(*labels: str) -> str:
    """A csv file with these labels; predictions are right."""
    return _table(*((str(number), f"text {number}", label, label) for number, label in enumerate(labels, 1)))


def _lines(*labels: Any, text: str = "text") -> bytes:
    """JSON lines with these labels; predictions are right."""
    rows = [
        {"id": number, "text": f"{text} {number}", "label": label, "prediction": label}
        for number, label in enumerate(labels, 1)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


FILES: dict[str, tuple[str, bytes]] = {
    "plain.csv": ("UTF-8, commas", _table(*_ROWS).encode()),
    "mark.csv": ("a byte order mark", _table(*_ROWS).encode("utf-8-sig")),
    "wide.csv": ("UTF-16 with a mark", _table(*_ROWS).encode("utf-16")),
    "unmarked.csv": ("UTF-16 without a mark", _table(*_ROWS).encode("utf-16-le")),
    "latin.csv": ("Latin-1", _table(*_ROWS).encode("latin-1")),
    "damaged.csv": ("UTF-8 with one wrong byte", _table(*_ROWS).encode().replace(b"Rien", b"Ri\xffen")),
    "binary.csv": ("a null byte in a text", _table(*_ROWS).encode().replace(b"Rien", b"Ri\0en")),
    "returns.csv": ("lines end in CR LF", _table(*_ROWS, end="\r\n").encode()),
    "lines.csv": ("line ends in quotes", _table(*_ROWS).replace("Rien à répéter", '"Rien\r\n\nà répéter"').encode()),
    "semicolons.csv": ("semicolons, commas in texts", _table(*_ROWS, delimiter=";").replace(" ", ", ").encode()),
    "either.csv": ("commas and semicolons fit", b"id,text;label,prediction\n1,a;x,x\n2,b;y,y\n"),
    "tabs.tsv": ("tabs, quotes in texts", _table(*_ROWS, delimiter="\t").replace("Rien", 'Rien"').encode()),
    "quoted.tsv": ("tabs, all names in quotes", b'"id"\t"text"\t"label"\t"prediction"\n1\ta\tx\tx\n'),
    "long.csv": ("a cell of 300,000 characters", _table(*_ROWS).replace("Rien", "Rien " * 60_000).encode()),
    "ragged.csv": ("a row of five cells", (_table(*_ROWS) + "5,a,bon,bon,bon\n").encode()),
    "dates.jsonl": ("labels that look like dates", _lines("2024-01-10", "2024-01-11", "unknown")),
    "codes.csv": ("labels that look like numbers", _labels("01", "1e3", "true", "NA", "0x1").encode()),
    "numbers.jsonl": ('1, 1.0 and "1" are one label', _lines(1, 1.0, "1", "2")),
    "truth.jsonl": ("true beside 1", _lines(True, 1, False)),
    "spellings.csv": ("a blank, a capital", _labels("positive", "positive ", "Positive", "negative").encode()),
    "composed.csv": ("é in one character and in two", _labels("bé", unicodedata.normalize("NFD", "bé"), "a").encode()),
    "unlabeled.csv": ("a row without a label", _labels("a", "b", "", "a").encode()),
    "cut.jsonl": ("half of a surrogate pair", _lines("a", "b", text="nice \ud83d")),
    "lists.jsonl": ("labels that are lists", _lines("a", ["b"], "b", ["a", "b"])),
    "twice.jsonl": (
        "a key that stands twice",
        _lines("a", "b") + b'{"id": 3, "text": "t", "label": "a", "label": "b"}\n',
    ),
    "deep.jsonl": ("JSON that is nested too deeply", _lines("a", "b") + b"[" * 100_000 + b"\n"),
}
"""Name → what is awkward about it, and its bytes."""
