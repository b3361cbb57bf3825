"""Small files that readers get wrong, with the columns id, text, label and prediction; and logs of the same rows."""

from __future__ import annotations

import gzip
import io
import json
import math
import unicodedata
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_HEADER = ("id", "text", "label", "prediction")
_ROWS = (
    ("1", "Un café très agréable", "bon", "bon"),
    ("2", "Le thé était froid", "mauvais", "bon"),
    ("3", "Une journée parfaite", "bon", "bon"),
    ("4", "Rien à répéter", "mauvais", "mauvais"),
)


def _table(*rows: tuple[str, ...], delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in (_HEADER, *rows)) + end


_CYRILLIC = (
    ("1", "Очень хороший фильм и прекрасная музыка", "хорошо", "хорошо"),
    ("2", "Ужасный фильм и пустая трата времени", "плохо", "плохо"),
)
_KANJI = (("1", "とても良い映画でした", "良い", "良い"), ("2", "最悪の映画だった", "悪い", "悪い"))


def _parquet(*labels: Any) -> bytes:
    """A Parquet file with these labels; predictions are right."""
    content = io.BytesIO()
    columns = {"text": [f"text {number}" for number in range(len(labels))], "label": labels, "prediction": labels}
    pq.write_table(pa.table({"id": range(len(labels)), **columns}), content)
    return content.getvalue()


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


def document(number: int, text: str = "text", target: Any = "a", prediction: str = "a", **changes: Any) -> bytes:
    """A line of a log of lm-eval: one document with a written answer."""
    sample: dict[str, Any] = {
        "doc": {"q": text},
        "doc_hash": f"hash {number}",
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": text, "arg_1": {}}},
        "resps": [[prediction]],
        "filtered_resps": [prediction],
        "filter": "none",
        "exact_match": float(prediction == str(target)),
    }
    return json.dumps({**sample, **changes}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _log(*rows: tuple[str, ...]) -> bytes:
    return b"".join(document(int(row[0]), *row[1:]) for row in rows)


def _log_of(*targets: Any) -> bytes:
    """A log with these targets; answers are right."""
    return b"".join(document(number, "text", target, str(target)) for number, target in enumerate(targets, 1))


FILES: dict[str, tuple[str, bytes]] = {
    "plain.csv": ("UTF-8, commas", _table(*_ROWS).encode()),
    "packed.csv.gz": ("gzip", gzip.compress(_table(*_ROWS).encode(), mtime=0)),
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
    "two_marks.csv": ("two byte order marks", b"\xef\xbb\xbf" + _table(*_ROWS).encode("utf-8-sig")),
    "cyrillic.csv": ("Windows-1251", _table(*_CYRILLIC).encode("cp1251")),
    "kanji.csv": ("Shift-JIS that is Korean too", _table(*_KANJI).encode("shift_jis")),
    "dates.parquet": ("labels that are dates", _parquet(date(2024, 1, 10), date(2024, 1, 11), date(2024, 1, 10))),
    "gaps.parquet": ("a label that is NaN", _parquet(math.nan, 1.0, 2.0)),
    "unseen.jsonl": ("a label without a visible character", _lines("a", "b", "\u200b")),
    "truth.jsonl": ("true beside 1", _lines(True, 1, False)),
    "spellings.csv": ("a blank, a capital", _labels("positive", "positive ", "Positive", "negative").encode()),
    "composed.csv": ("é in one character and in two", _labels("bé", unicodedata.normalize("NFD", "bé"), "a").encode()),
    "unlabeled.csv": ("a row without a label", _labels("a", "b", "", "a").encode()),
    "cut.jsonl": ("half of a surrogate pair", _lines("a", "b", text="nice \ud83d")),
    "lists.jsonl": ("labels that are lists", _lines("a", ["b"], "b", ["a", "b"])),
    "twice.jsonl": (
        "a key that occurs twice",
        _lines("a", "b") + b'{"id": 3, "text": "t", "label": "a", "label": "b"}\n',
    ),
    "deep.jsonl": ("JSON that is nested too deeply", _lines("a", "b") + b"[" * 100_000 + b"\n"),
}
"""Name → what is awkward about it, and its bytes."""

_PLAIN_LOG = _log(*_ROWS)

LOGS: dict[str, bytes] = {
    "plain.csv": _PLAIN_LOG,
    "mark.csv": _PLAIN_LOG.decode().encode("utf-8-sig"),
    "wide.csv": _PLAIN_LOG.decode().encode("utf-16"),
    "unmarked.csv": _PLAIN_LOG.decode().encode("utf-16-le"),
    "latin.csv": _PLAIN_LOG.decode().encode("latin-1"),
    "damaged.csv": _PLAIN_LOG.replace(b"Rien", b"Ri\xffen"),
    "binary.csv": _PLAIN_LOG.replace(b"Rien", b"Ri\0en"),
    "returns.csv": _PLAIN_LOG.replace(b"\n", b"\r\n"),
    "lines.csv": _PLAIN_LOG.replace("Rien à répéter".encode(), rb"Rien\r\n\n" + "à répéter".encode()),
    "semicolons.csv": _PLAIN_LOG.replace(b"caf", b"caf;, "),
    "tabs.tsv": _PLAIN_LOG.replace(b"Rien", rb"Rien\t\""),
    "long.csv": _PLAIN_LOG.replace(b"Rien", b"Rien " * 60_000),
    "dates.jsonl": _log_of("2024-01-10", "2024-01-11", "unknown"),
    "codes.csv": _log_of("01", "1e3", "true", "NA", "0x1"),
    "numbers.jsonl": _log_of(1, 1.0, "1", "2"),
    "two_marks.csv": b"\xef\xbb\xbf" + _PLAIN_LOG.decode().encode("utf-8-sig"),
    "cyrillic.csv": _log(*_CYRILLIC).decode().encode("cp1251"),
    "kanji.csv": _log(*_KANJI).decode().encode("shift_jis"),
    "truth.jsonl": _log_of(True, 1, False),
    "spellings.csv": _log_of("positive", "positive ", "Positive", "negative"),
    "composed.csv": _log_of("bé", unicodedata.normalize("NFD", "bé"), "a"),
    "unlabeled.csv": _log_of("a", "b", None, "a"),
    "cut.jsonl": _log_of("a", "b").replace(b'"text"', rb'"nice \ud83d"'),
    "twice.jsonl": _log_of("a", "b") + document(3).replace(b'"filter"', b'"target": "b", "filter"'),
    "deep.jsonl": _log_of("a", "b") + b"[" * 100_000 + b"\n",
}
"""The same rows as a log of lm-eval, by the name of the file. What a log cannot have is missing: it has no cells that a
delimiter ends, and a list is several right answers."""
