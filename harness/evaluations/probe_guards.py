"""Guards that probes share: what measures nothing is left out and counted, never a figure.

Equal texts, texts that are the same tokens to a model, words that a tokenizer cannot represent, contradictory rows, and
lists in English on texts in another language (`text.language_guess`). What a model read stands with its answers
(`InputMark`), so that the guards are the same for heads, gaps, continuations, bags of words and servers that return
their tokens.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence

from harness.core.dataset import Dataset, Row
from harness.core.errors import DataError
from harness.core.evaluation import Evaluation, Item
from harness.core.records import OK, Record, Records
from harness.core.requests import Failure, InputMark, Response, input_marks
from harness.evaluations.record_builders import failed
from harness.evaluations.sentence_scorers import Scored

_SPACE = re.compile(r"\s+")
ALIKE = "to this model the texts are the same tokens, so nothing was asked"
UNKNOWN = "a text has words that the tokenizer cannot represent, so its likelihood is none of that text"
_GUARDS = {
    ALIKE: "are the same tokens in all their variants",
    UNKNOWN: "have words that the tokenizer cannot represent where others have none",
}
MESSAGES = frozenset(_GUARDS)


def same_text(first: str, other: str) -> bool:
    """Whether two texts differ in nothing but white space and the Unicode form."""
    return bare(first) == bare(other)


def bare(text: str) -> str:
    """A text without what makes no difference: equal ones are one text."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def contradictory(claims: Sequence[tuple[Hashable, Hashable]]) -> list[bool]:
    """Which of the rows (what is asked, what is said about it) another row contradicts."""
    said: dict[Hashable, set[Hashable]] = {}
    for asked, answer in claims:
        said.setdefault(asked, set()).add(answer)
    return [len(said[asked]) > 1 for asked, _ in claims]


def sound_rows(dataset: Dataset, split: str, faults: Sequence[str]) -> list[Row]:
    """The rows of a split that have no fault.

    Args:
        faults: why each row is left out; empty for those that are kept.

    Raises:
        DataError: when none is left.
    """
    rows = [row for row, fault in zip(dataset.split(split), faults, strict=True) if not fault]
    if not rows:
        raise DataError(
            f"data {dataset.name!r}: every row of the split {split!r} is left out: {faults[0]}.",
            hint="correct the rows: they measure nothing.",
        )
    return rows


def left_out(faults: Iterable[str], what: str = "rows") -> list[str]:
    """How many rows are left out, by their fault."""
    counted = Counter(fault for fault in faults if fault)
    return [f"{count} {what} are left out: {fault}." for fault, count in counted.items()]


def told_apart(responses: Sequence[Response], texts: Sequence[str], *, unknown_only: bool = False) -> list[bool]:
    """Which of the texts after the first one differ from it in the tokens that the model read.

    Args:
        responses: of all texts, one after the other, the same number each.
        unknown_only: texts that a tokenizer makes alike for another reason than unknown words (it lower-cases, or drops
            accents) count as told apart: that a model does not see such a change is what an invariance test asks for.
    """
    step = len(responses) // len(texts)
    read = [_marks(responses[start : start + step]) for start in range(0, len(responses), step)]
    first = read[0]
    if first is None:
        return [True] * (len(texts) - 1)
    blind = [other is not None and other == first for other in read[1:]]
    if unknown_only:
        seen = any(mark.unknown for mark in first)
        blind = [
            alike_to_model and seen and _plain(text) != _plain(texts[0])
            for alike_to_model, text in zip(blind, texts[1:], strict=True)
        ]
    return [not alike_to_model for alike_to_model in blind]


def _plain(text: str) -> str:
    """A text without case and accents, which many tokenizers drop."""
    letters = unicodedata.normalize("NFKD", bare(text)).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _marks(responses: Sequence[Response]) -> list[InputMark] | None:
    """What a model read, where all responses say it."""
    marks = [input_marks(response) for response in responses]
    return None if not marks or None in marks else [mark for group in marks for mark in group or ()]


def options_fault(response: Response) -> Failure | None:
    """Why options of one request cannot be compared: two of them are the same tokens, or one has unknown words."""
    return _fault(input_marks(response) or [])


def unseen_words(responses: Sequence[Response], words: Sequence[str]) -> list[Failure | None]:
    """Why words that are compared with each other, in equal texts, measure nothing; None for those that do.

    Args:
        responses: of all words, one after the other, the same number each.
    """
    step = len(responses) // len(words)
    read = [_marks(responses[start : start + step]) for start in range(0, len(responses), step)]
    known = [marks for marks in read if marks is not None]
    if len(known) < len(read):
        return [None] * len(words)
    fewest = min(sum(mark.unknown for mark in marks) for marks in known)
    counted = Counter(tuple(mark.tokens for mark in marks) for marks in known)
    return [
        alike()
        if counted[tuple(mark.tokens for mark in marks)] > 1
        else Failure("no_token", UNKNOWN)
        if sum(mark.unknown for mark in marks) > fewest
        else None
        for marks in known
    ]


def likelihood_fault(*scored: Scored) -> Failure | None:
    """Why likelihoods of texts that differ in some words cannot be compared, by what the model read of each."""
    marks = [text.mark for text in scored if text.mark is not None]
    if len(marks) == len(scored):
        return _fault(marks)
    # Where nothing says what was read, equal likelihoods of texts with unknown words are those of one text.
    totals = [text.total for text in scored]
    blind = len(set(totals)) < len(totals) and any(text.unknown for text in scored)
    return alike() if blind else None


def _fault(marks: Sequence[InputMark]) -> Failure | None:
    if len({mark.tokens for mark in marks}) < len(marks):
        return alike()
    return Failure("no_token", UNKNOWN) if len({mark.unknown for mark in marks}) > 1 else None


class Frames:
    """Items of a probe that ask one thing about different people, one item each, by what the model read of them."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._framed = type(evaluation).frame is not Evaluation.frame
        self._rows: dict[str, list[tuple[int, str, InputMark]]] = {}
        self._items: list[Item] = []

    def add(self, item: Item, responses: Sequence[Response]) -> None:
        """Takes an item, in the order of the records."""
        if not self._framed:
            return
        marks, frame = _marks(responses[:1]), self._evaluation.frame(item)
        if frame is not None and marks:
            self._rows.setdefault(frame[0], []).append((len(self._items), frame[1], marks[0]))
        self._items.append(item)

    def guarded(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records; those of items that the model cannot tell from an item about other people are failed."""
        if not self._framed:
            yield from records
            return
        made = list(records)
        faults: dict[int, Failure] = {}
        for rows in self._rows.values():
            people: dict[str, set[str]] = {}
            for _, subject, mark in rows:
                people.setdefault(mark.tokens, set()).add(subject)
            if len({subject for _, subject, _ in rows}) < 2:
                continue
            fewest = min(mark.unknown for _, _, mark in rows)
            for place, _, mark in rows:
                if len(people[mark.tokens]) > 1:
                    faults[place] = alike()
                elif mark.unknown > fewest:
                    faults[place] = Failure("no_token", UNKNOWN)
        for place, record in enumerate(made):
            yield failed(self._items[place], faults[place]) if place in faults and record.status == OK else record


def alike() -> Failure:
    """Why an item has no figure of a model that cannot tell its texts apart."""
    return Failure("no_token", ALIKE)


def alike_warnings(records: Records) -> list[str]:
    """How many items a model could not tell from their variants, and how many have words of which it knows nothing."""
    said = [text or "" for text in records.texts("response")]
    counts = {words: sum(message in text for text in said) for message, words in _GUARDS.items()}
    return [
        f"{count} of {len(records)} items {words}: they failed and are no figure."
        for words, count in counts.items()
        if count
    ]
