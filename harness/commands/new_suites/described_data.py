"""What a user's file is good for: the task that its columns name, its labels and their balance, its language."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where, unknown
from harness.core.labels import is_missing, label_text
from harness.data.read_rows import TableFormat, content_of, format_of, read_rows
from harness.data.user_data import LABEL, MAX_LABELS, Wishes, adopt
from harness.text.conversations import looks_like_messages
from harness.text.language_guess import guess_language, is_foreign

TEXTS = ("text", "sentence", "review", "body", "content", "comment", "tweet", "post", "document", "title")
LABELS = ("label", "labels", "sentiment", "class", "category", "target", "stars", "rating", "score", "mood", "topic")
WORDS = ("words", "tokens")
TAGS = ("tags", "ner_tags", "ner", "labels", "pos_tags", "pos")
PAIRS = (("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text", "pair"))
PROMPTS = ("instruction", "prompt")
ANSWERS = ("output", "response", "completion", "answer", "target")
CONVERSATIONS = ("messages", "conversations", "conversation")
DOCUMENTS = ("document", "article", "dialogue", "text")
SUMMARIES = ("summary", "highlights", "abstract")
SCORES = ("score", "similarity", "similarity_score", "relatedness_score", "rating")
POSITIVES = ("positives", "positive", "pos", "positive_passages")
NEGATIVES = ("negatives", "negative", "neg", "negative_passages")
QUERIES = ("query", "anchor", "question")
SOURCES = (("source", "target"), ("src", "tgt"), ("source", "translation"))
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?\Z")
_LANGUAGES = (
    "ar bg bn ca cs da de el en es et fa fi fr gl gu he hi hr hu id is it ja ko lt lv mk ms mt nl no pl pt ro ru sk sl "
    "sq sr sv ta te th tr uk ur vi zh eng deu fra spa ita por nld "
)
"""Codes of languages, each followed by a space."""
_LONGEST_NAME = 48
_FEW_LABELS = 30
_FEW_NUMBERS = 2
"""Two different numbers, such as 0.0 and 1.5, are labels."""
_SHOWN = 8


def _share(value: float) -> str:
    return "<1%" if 0 < value < 0.005 else f"{value:.0%}"


@dataclass(frozen=True, slots=True)
class DescribedData:
    """A file, read as a run reads it.

    Attributes:
        path: as typed.
        name: for the suite, from the file's name.
        kind: of the task that its columns name.
        options: of the task, beside `data`.
        columns: our name → the file's, where a suite must name them.
        labels: label → rows, in the order of the labels; of taggers, type → spans.
        rows: how many.
        language: a guess, or None.
        english: whether English lists fit the texts.
        text: our column that holds running text, or None.
        read_as: what a suite must say so that the file is read alike.
        splits: the column that names the split, or None.
        notes: what was guessed, for people.
    """

    path: Path
    name: str
    kind: str
    options: Mapping[str, Any]
    columns: Mapping[str, str]
    labels: Mapping[str, int]
    rows: int
    language: str | None
    english: bool
    text: str | None
    read_as: Mapping[str, str]
    splits: str | None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What stands in the file, in one line."""
        total = sum(self.labels.values())
        balance = ", ".join(f"{label} {_share(count / total)}" for label, count in list(self.labels.items())[:_SHOWN])
        more = f", … {len(self.labels) - _SHOWN} more" if len(self.labels) > _SHOWN else ""
        what = {"token_classification": "spans: "}.get(self.kind, f"{len(self.labels)} labels: ")
        tongue = f"language {self.language}" if self.language else "language not known"
        read = "".join(f", {name} {value!r}" for name, value in self.read_as.items())
        return f"{self.rows} rows, {tongue}{read}; {self.kind}" + (f"; {what}{balance}{more}" if self.labels else "")


@dataclass(slots=True)
class _Shape:
    """The task that columns name, while it is looked for."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    text: str | None = None


def describe_data(
    path: Path,
    read_as: Mapping[str, str],
    *,
    text: str | None = None,
    label: str | None = None,
    taken: Sequence[str] = (),
) -> DescribedData:
    """Reads a file and finds its task.

    Args:
        read_as: `format`, `delimiter` and `encoding` where the user gives them.
        text, label: columns where the user names them.
        taken: names that the suite has already.

    Raises:
        DataError: when the file cannot be read, or its columns name no task.
    """
    table_format = TableFormat(read_as.get("format"), read_as.get("delimiter"), read_as.get("encoding"))
    read = read_rows(content_of(path), str(path), table_format)
    if not read.rows:
        raise DataError("expected rows, found none.", where=Where(path), hint="check that this is the right file.")
    known = list(dict.fromkeys(name for raw in read.rows for name in raw.fields))
    for name, option in ((text, "--text"), (label, "--label")):
        if name is not None and name not in known:
            hint = f"pass {option} with one of the file's columns."
            raise DataError(unknown("column", name, known), where=Where(path), hint=hint)
    rows = [raw.fields for raw in read.rows]
    splits = _split_column(known, rows)
    shape = _shape(known, rows, text, label)
    if shape is None:
        raise DataError(
            f"the columns ({', '.join(known)}) name no task.",
            where=Where(path),
            hint="pass --text COLUMN (and --label COLUMN for labeled texts), or name the columns as a task does: words "
            "and tags; source and target; document and summary; instruction and output; messages; question, context, "
            "and answers; question, choices, and answer.",
        )
    warnings: Sequence[str] = ()
    labels: dict[str, int] = {}
    if shape.kind == "classification":
        shape_wishes = Wishes(columns=shape.columns, split=splits)
        adopted = adopt(read.rows, shape_wishes, str(path))
        counts = Counter(str(row.fields[LABEL]) for row in adopted.rows)
        labels = {name: counts[name] for name in adopted.labels.get(LABEL, ())}
        warnings = adopted.warnings
        if len(labels) < 2:
            raise DataError(
                f"column {shape.columns[LABEL]!r} holds {'a single label' if len(labels) == 1 else 'no labels'}.",
                where=Where(path),
                hint="a classification needs two labels or more; name the column of labels with --label.",
            )
    elif shape.kind == "token_classification":
        labels = _complete_tags(shape, rows, path)
    texts = _texts_of(shape, rows)
    return DescribedData(
        path=path,
        name=_free(suite_name(path.stem), taken),
        kind=shape.kind,
        options=shape.options,
        columns=shape.columns,
        labels=labels,
        rows=len(rows),
        language=guess_language(texts),
        english=not is_foreign(texts),
        text=shape.text,
        read_as={**read.guessed, **read_as, **_format_said(path, read_as)},
        splits=splits,
        notes=(*read.notes, *warnings, *_headerless(known, rows)),
    )


def _headerless(known: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """That the names of the columns are probably a row: one of them is a value that its own column repeats."""
    again = [name for name in known if sum(str(row.get(name)) == name for row in rows) > 1]
    if not again:
        return ()
    named = ", ".join(repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…") for name in known)
    note = f"its first line is read as the names of the columns ({named}), and {again[0]!r} is also a value below it"
    return (f"{note}; if it is a row, add a line with the names.",)


def _format_said(path: Path, read_as: Mapping[str, str]) -> dict[str, str]:
    return {} if "format" in read_as else {"format": name} if (name := format_of(path)) == "txt" else {}


def _shape(
    known: Sequence[str], rows: Sequence[Mapping[str, Any]], text: str | None, label: str | None
) -> _Shape | None:
    """The first task whose columns are there."""
    names = {name.casefold(): name for name in reversed(known)}
    if text is None and label is None:
        for find in (_messages, _tags, _searches, _choices, _questions, _summaries, _translations, _instructions):
            shape = find(names, rows)
            if shape is not None:
                return shape
    return _labeled(names, known, rows, text, label)


def _first(names: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _messages(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    """A column of conversations, each with the answer that is right at its end."""
    column = _first(names, CONVERSATIONS)
    if column is None or not all(looks_like_messages(_loaded(row.get(column))) for row in rows):
        return None
    # Models without a chat template are asked in plain text; the others by their own.
    options = {"chat": True, "messages": "messages", "default_template": "plain"}
    return _Shape("text_generation", options, {"messages": column})


def _loaded(cell: Any) -> Any:
    """A cell that may be JSON in a text."""
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return None


def _tags(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    words, tags = _first(names, WORDS), _first(names, TAGS)
    if words is None or tags is None:
        return None
    return _Shape("token_classification", columns={"words": words, "tags": tags})


def _searches(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    """Queries with the texts that answer them, and texts that do not where they are given: those are candidates."""
    query, positives, negatives = (_first(names, wanted) for wanted in (QUERIES, POSITIVES, NEGATIVES))
    if query is None or positives is None:
        return None
    columns = {"query": query, "positives": positives}
    if negatives is None:
        return _Shape("retrieval", columns=columns)
    return _Shape("reranking", {"negatives": "negatives"}, {**columns, "negatives": negatives})


def _choices(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    question, answer = _first(names, ("question", "query")), _first(names, ("answer", "answer_key", "label"))
    choices = _first(names, ("choices", "options"))
    if question is None or answer is None or choices is None:
        return None
    columns = {"question": question, "choices": choices, "answer": answer}
    return _Shape("multiple_choice", columns=columns, text=None)


def _questions(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    question, context = _first(names, ("question", "query")), _first(names, ("context", "passage"))
    answers = _first(names, ("answers", "answer"))
    if question is None or answers is None:
        return None
    if context is None:
        options = {"prompt": "Question: {question}\nAnswer:"}
        return _Shape("generative_qa", options, {"question": question, "answers": answers})
    columns = {"question": question, "context": context, "answers": answers}
    return _Shape("question_answering", columns=columns, text="context")


def _summaries(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    document, summary = _first(names, DOCUMENTS), _first(names, SUMMARIES)
    if document is None or summary is None:
        return None
    return _Shape("summarization", columns={"document": document, "summary": summary}, text="document")


def _translations(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    for source, target in SOURCES:
        if source in names and target in names:
            return _Shape("translation", columns={"source": names[source], "target": names[target]})
    tongues = [
        name
        for name in reversed(list(names))
        if _LANGUAGE.match(name) and f"{re.split('[-_]', name)[0]} " in _LANGUAGES
    ]
    if len(tongues) != 2:
        return None
    first, second = tongues
    return _Shape("translation", columns={"source": names[first], "target": names[second]})


def _instructions(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> _Shape | None:
    prompt, answer = _first(names, PROMPTS), _first(names, ANSWERS)
    if prompt is None or answer is None:
        return None
    columns = {"instruction": prompt, "target": answer}
    template = "{instruction}\n"
    given = names.get("input")
    if given is not None and given not in (prompt, answer) and any(not is_missing(row.get(given)) for row in rows):
        # Rows without an input keep the empty line, so that all rows have one form.
        columns["input"] = given
        template = "{instruction}\n{input}\n"
    return _Shape("text_generation", {"prompt": template, "target": "target", "stop": ["\n\n"]}, columns)


def _labeled(
    names: Mapping[str, str],
    known: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    text: str | None,
    label: str | None,
) -> _Shape | None:
    """Texts with labels, pairs of texts with labels, or running text."""
    pair = next(((names[a], names[b]) for a, b in PAIRS if a in names and b in names), None) if text is None else None
    texts = pair[0] if pair else text or _first(names, TEXTS) or _longest(known, rows, label)
    if texts is None:
        return None
    labels = label or _label_column(names, [name for name in known if name not in (texts, *(pair or ()))], rows)
    if labels is None or labels == texts:
        return _Shape("language_modeling", columns={"text": texts}, text="text")
    if _are_scores(labels, rows):
        columns = {"text": texts, **({"pair": pair[1]} if pair else {}), "score": labels}
        return _Shape("regression", {"pair": "pair"} if pair else {}, columns, "text")
    if all(isinstance(row.get(labels), list) for row in rows):
        return _Shape("multilabel_classification", {"label": "label"}, {"text": texts, "label": labels}, "text")
    columns = {"text": texts, **({"pair": pair[1]} if pair else {}), LABEL: labels}
    return _Shape("classification", {"pair": "pair"} if pair else {}, columns, "text")


def _label_column(names: Mapping[str, str], rest: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The column of labels: by its name, else the only other one with few values."""
    named = next((names[name] for name in (*LABELS, *SCORES) if names.get(name) in rest), None)
    if named is not None:
        return named
    few = [name for name in rest if name.casefold() not in ("id", "split") and _few(name, rows)]
    return few[0] if len(few) == 1 else None


def _are_scores(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column holds numbers of which some are no whole ones, or more different ones than labels are."""
    values = [row.get(name) for row in rows if not is_missing(row.get(name))]
    try:
        numbers = {float(value) for value in values if not isinstance(value, bool)}  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    whole = all(number.is_integer() for number in numbers)
    return bool(numbers) and (not whole or len(numbers) > _FEW_LABELS) and len(numbers) > _FEW_NUMBERS


def _few(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    values = [row.get(name) for row in rows if not is_missing(row.get(name))]
    if not values or any(not isinstance(value, str | int | bool | float) for value in values):
        return False
    distinct = {label_text(value) for value in values}
    return 2 <= len(distinct) <= min(_FEW_LABELS, MAX_LABELS, max(2, len(values) // 2))


def _longest(known: Sequence[str], rows: Sequence[Mapping[str, Any]], label: str | None) -> str | None:
    """The column with the longest texts of several words."""
    sizes = {
        name: sum(len(value) for row in rows if isinstance(value := row.get(name), str) and " " in value.strip())
        for name in known
        if name != label
    }
    best = max(sizes, key=lambda name: sizes[name], default=None)
    return best if best is not None and sizes[best] else None


def _complete_tags(shape: _Shape, rows: Sequence[Mapping[str, Any]], path: Path) -> dict[str, int]:
    """Fills in the types and the scheme of a tagger's data, and counts its spans.

    Raises:
        DataError: for tags that are numbers, or follow no scheme.
    """
    from harness.metrics.capability.span_f1 import schemes_of, spans

    column = shape.columns["tags"]
    sentences = [_listed(row.get(column)) for row in rows]
    if any(not isinstance(tag, str) for tags in sentences for tag in tags):
        raise DataError(
            f"column {column!r} holds numbers in place of tags.",
            where=Where(path),
            hint="write the tags by name (`O`, `B-person`, …), in the order of the head's labels.",
        )
    kinds = list(dict.fromkeys(tag[2:] for tags in sentences for tag in tags if tag[1:2] == "-"))
    schemes = schemes_of(sentences)
    if not kinds or not schemes:
        raise DataError(
            f"the tags in column {column!r} follow no scheme of spans.",
            where=Where(path),
            hint="write `O` outside, and `B-type`, `I-type` within a span (iob2).",
        )
    scheme = "iob2" if "iob2" in schemes else schemes[0]
    shape.options["types"] = sorted(kinds)
    if scheme != "iob2":
        shape.options["scheme"] = scheme
    counts = Counter(kind for tags in sentences for kind, *_ in spans(tags, scheme)[0])
    return {kind: counts[kind] for kind in sorted(kinds)}


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    text = str(value or "").strip()
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list):
            return listed
    return text.split()


def _texts_of(shape: _Shape, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every text cell of the columns, for the language; tags and labels are none."""
    used = [name for ours, name in shape.columns.items() if ours not in (LABEL, "tags", "answer", "choices")]
    if "messages" in shape.columns:
        turns = (_loaded(row.get(shape.columns["messages"])) for row in rows)
        return [
            str(turn.get("content") or turn.get("value") or "")
            for told in turns
            for turn in told
            if isinstance(turn, dict)
        ]
    if shape.kind == "translation":
        used = [shape.columns["target"]]
    return [" ".join(map(str, _listed(row.get(name)))) if row.get(name) else "" for row in rows for name in used]


def _split_column(known: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """A column `split` or `fold` that names test rows."""
    for name in known:
        if name.casefold() in ("split", "fold"):
            values = {str(row.get(name)) for row in rows}
            if values <= {"train", "validation", "test", "dev", "valid"} and "test" in values:
                return name
    return None


def suite_name(stem: str) -> str:
    """A file's name as a suite's name: small letters, digits, `-` and `_`."""
    name = re.sub(r"[^a-z0-9_-]+", "-", stem.casefold()).strip("-_")[:_LONGEST_NAME].strip("-_")
    return name if name and name[0].isalpha() else f"data-{name}".rstrip("-")


def _free(name: str, taken: Sequence[str]) -> str:
    return next(other for other in (name, *(f"{name}-{number}" for number in range(2, 1000))) if other not in taken)
