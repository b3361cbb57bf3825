"""Documents, queries, and judgments of a ranking task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.core.errors import DataError, SuiteError
from harness.core.requests import DocumentPool


@dataclass(frozen=True, slots=True)
class Judged:
    """A query and its judgments.

    Attributes:
        row: of the query.
        id: of the query in the judgments.
        grades: document → grade.
    """

    row: Row
    id: str
    grades: Mapping[str, float]


@dataclass(slots=True)
class Collection:
    """Documents and queries of some data.

    Attributes:
        documents: id → text.
        queries: those with a relevant document.
        unjudged: queries that have none, and are left out.
    """

    documents: dict[str, str] = field(default_factory=dict)
    queries: list[Judged] = field(default_factory=list)
    unjudged: int = 0


def document_key(text: str) -> str:
    """The id of a document that has none of its own."""
    return digest(text)[:16]


def ordered_pool(documents: Mapping[str, str]) -> tuple[DocumentPool, tuple[str, ...]]:
    """Documents with the larger id first, which is how trec_eval breaks ties, and their ids."""
    ids = tuple(sorted(documents, key=lambda name: name.encode("utf-8", "surrogatepass"), reverse=True))
    return DocumentPool([documents[name] for name in ids]), ids


def all_rows(dataset: Dataset) -> Iterator[tuple[Dataset, Row]]:
    for rows in dataset.rows.values():
        for row in rows:
            yield dataset, row


def grade_of(dataset: Dataset, row: Row, column: str) -> float:
    cell = row.fields.get(column)
    try:
        grade = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(
            f"{dataset.place(row)}: expected a grade in the column {column!r}, found {cell!r:.60}.",
            hint="grades are whole numbers; 0 is not relevant.",
        ) from None
    if grade != int(grade):
        raise SuiteError(f"{dataset.place(row)}: expected a whole number as the grade, found {grade:g}.")
    return grade
