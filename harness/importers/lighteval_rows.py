"""Rows of a details file of lighteval, in each of its layouts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digests import digest, short
from harness.core.errors import DataError, Where
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.importers.log_values import count, mapping, number, text

GOLD_LIKELIHOOD = "gold_logprob"
"""The figure of the right choice's log-probability."""


_NUMPY = re.compile(r"\b(?:np|numpy)\.\w+\(([^()]*)\)")


_NAN = re.compile(r"\bnan\b")


_NEW, _OLD = {"doc", "model_response", "metric"}, {"example", "metrics", "predictions"}


_STRUCTURED = frozenset({"choices", "gold", "gold_index", "metrics", "predictions"})


_LONGEST = 1 << 20


@dataclass(slots=True)
class DetailsRow:
    """One row of the details: a document, asked in one way."""

    query: str
    choices: list[str]
    golds: list[str]
    answers: list[str]
    likelihoods: list[float]
    metrics: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """The document's own: what it asks and what is right, not its place in a data set that may grow."""
        return short(digest({"query": self.query, "choices": self.choices, "golds": self.golds}))

    @property
    def chosen(self) -> list[str]:
        """What the model wrote, else the choice that it finds likeliest."""
        if self.answers or len(self.likelihoods) != len(self.choices) or not self.choices:
            return self.answers
        return [self.choices[max(range(len(self.choices)), key=self.likelihoods.__getitem__)]]

    def figures(self) -> dict[str, float]:
        """The metrics that are one number, and the log-probability of the right choice."""
        values = {str(name): number(value) for name, value in self.metrics.items()}
        if len(self.likelihoods) == len(self.choices):
            golds = [
                value for choice, value in zip(self.choices, self.likelihoods, strict=True) if choice in self.golds
            ]
            values |= {GOLD_LIKELIHOOD: number(max(golds))} if golds else {}
        return {name: value for name, value in values.items() if value is not None}


def details_rows(file: Path) -> Iterator[DetailsRow]:
    read = read_rows(content_of(file), str(file), TableFormat(name="parquet"))
    for raw in read.rows:
        columns = set(raw.fields)
        if columns >= _NEW:
            yield _new_row(raw.fields)
        elif columns >= _OLD:
            place = Where(file, raw.line)
            yield _old_row({**raw.fields, **{name: _value(raw.fields.get(name), place) for name in _STRUCTURED}})
        else:
            raise DataError(
                f"expected the details of lighteval (columns doc, metric, model_response), "
                f"found {', '.join(sorted(columns))}.",
                where=Where(file),
                hint="run lighteval with `--save-details`; a table of your own is read by `harness import table`.",
            )


def _new_row(fields: Mapping[str, Any]) -> DetailsRow:
    doc, response = mapping(fields.get("doc")), mapping(fields.get("model_response"))
    choices = [text(choice) for choice in _list(doc.get("choices"))]
    written = response.get("text_post_processed") or response.get("text")
    metrics = {name: value for name, value in mapping(fields.get("metric")).items() if value is not None}
    return DetailsRow(
        text(doc.get("query")),
        choices,
        _at(choices, doc.get("gold_index")),
        [text(answer) for answer in _list(written)],
        _likelihoods(response.get("logprobs")),
        metrics,
    )


def _old_row(fields: Mapping[str, Any]) -> DetailsRow:
    choices = [text(choice) for choice in _list(fields.get("choices"))]
    golds = [text(gold) for gold in _list(fields.get("gold"))] or _at(choices, fields.get("gold_index"))
    predictions = _list(fields.get("predictions"))
    written = [text(part) for given in predictions for part in _list(given) if isinstance(part, str)]
    firsts = [given[0] if isinstance(given, list | tuple) and given else given for given in predictions]
    metrics = {name: value for name, value in mapping(fields.get("metrics")).items() if value is not None}
    return DetailsRow(
        text(fields.get("example")), choices, golds, written, [] if written else _likelihoods(firsts), metrics
    )


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _at(choices: Sequence[str], places: Any) -> list[str]:
    return [choices[place] for place in map(count, _list(places)) if place is not None and place < len(choices)]


def _likelihoods(values: Any) -> list[float]:
    numbers = [number(value) for value in _list(values)]
    return [value for value in numbers if value is not None] if None not in numbers else []


def _value(value: Any, where: Where) -> Any:
    """A value, or what Python's text of it means; texts that are none stay."""
    if not isinstance(value, str) or not value or value[0] not in "[{(":
        return value
    if len(value) > _LONGEST:
        raise DataError(f"a cell has more than {_LONGEST} characters.", where=where)
    plain = _NAN.sub("None", _NUMPY.sub(r"\1", value))
    try:
        return ast.literal_eval(plain)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
