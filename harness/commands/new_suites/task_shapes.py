"""The task that the columns of a file name: conversations, tags, questions, summaries, translations, labels."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.labels import is_missing, label_text
from harness.data.user_data import LABEL, MAX_LABELS
from harness.text.conversations import looks_like_messages

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
_FEW_LABELS = 30
_FEW_NUMBERS = 2
"""Two different numbers, such as 0.0 and 1.5, are labels."""


@dataclass(slots=True)
class TaskShape:
    """The task that columns name, while it is looked for."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    text: str | None = None


def find_shape(
    known: Sequence[str], rows: Sequence[Mapping[str, Any]], text: str | None, label: str | None
) -> TaskShape | None:
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


def _messages(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    """A column of conversations, each with the answer that is right at its end."""
    column = _first(names, CONVERSATIONS)
    if column is None or not all(looks_like_messages(_loaded(row.get(column))) for row in rows):
        return None
    # Models without a chat template are asked in plain text; the others by their own.
    options = {"chat": True, "messages": "messages", "default_template": "plain"}
    return TaskShape("text_generation", options, {"messages": column})


def _loaded(cell: Any) -> Any:
    """A cell that may be JSON in a text."""
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return None


def _tags(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    words, tags = _first(names, WORDS), _first(names, TAGS)
    if words is None or tags is None:
        return None
    return TaskShape("token_classification", columns={"words": words, "tags": tags})


def _searches(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    """Queries with the texts that answer them, and texts that do not where they are given: those are candidates."""
    query, positives, negatives = (_first(names, wanted) for wanted in (QUERIES, POSITIVES, NEGATIVES))
    if query is None or positives is None:
        return None
    columns = {"query": query, "positives": positives}
    if negatives is None:
        return TaskShape("retrieval", columns=columns)
    return TaskShape("reranking", {"negatives": "negatives"}, {**columns, "negatives": negatives})


def _choices(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    question, answer = _first(names, ("question", "query")), _first(names, ("answer", "answer_key", "label"))
    choices = _first(names, ("choices", "options"))
    if question is None or answer is None or choices is None:
        return None
    columns = {"question": question, "choices": choices, "answer": answer}
    return TaskShape("multiple_choice", columns=columns, text=None)


def _questions(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    question, context = _first(names, ("question", "query")), _first(names, ("context", "passage"))
    answers = _first(names, ("answers", "answer"))
    if question is None or answers is None:
        return None
    if context is None:
        options = {"prompt": "Question: {question}\nAnswer:"}
        return TaskShape("generative_qa", options, {"question": question, "answers": answers})
    columns = {"question": question, "context": context, "answers": answers}
    return TaskShape("question_answering", columns=columns, text="context")


def _summaries(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    document, summary = _first(names, DOCUMENTS), _first(names, SUMMARIES)
    if document is None or summary is None:
        return None
    return TaskShape("summarization", columns={"document": document, "summary": summary}, text="document")


def _translations(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
    for source, target in SOURCES:
        if source in names and target in names:
            return TaskShape("translation", columns={"source": names[source], "target": names[target]})
    tongues = [
        name
        for name in reversed(list(names))
        if _LANGUAGE.match(name) and f"{re.split('[-_]', name)[0]} " in _LANGUAGES
    ]
    if len(tongues) != 2:
        return None
    first, second = tongues
    return TaskShape("translation", columns={"source": names[first], "target": names[second]})


def _instructions(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> TaskShape | None:
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
    return TaskShape("text_generation", {"prompt": template, "target": "target", "stop": ["\n\n"]}, columns)


def _labeled(
    names: Mapping[str, str],
    known: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    text: str | None,
    label: str | None,
) -> TaskShape | None:
    """Texts with labels, pairs of texts with labels, or running text."""
    pair = next(((names[a], names[b]) for a, b in PAIRS if a in names and b in names), None) if text is None else None
    texts = pair[0] if pair else text or _first(names, TEXTS) or _longest(known, rows, label)
    if texts is None:
        return None
    labels = label or _label_column(names, [name for name in known if name not in (texts, *(pair or ()))], rows)
    if labels is None or labels == texts:
        return TaskShape("language_modeling", columns={"text": texts}, text="text")
    if _are_scores(labels, rows):
        columns = {"text": texts, **({"pair": pair[1]} if pair else {}), "score": labels}
        return TaskShape("regression", {"pair": "pair"} if pair else {}, columns, "text")
    if all(isinstance(row.get(labels), list) for row in rows):
        return TaskShape("multilabel_classification", {"label": "label"}, {"text": texts, "label": labels}, "text")
    columns = {"text": texts, **({"pair": pair[1]} if pair else {}), LABEL: labels}
    return TaskShape("classification", {"pair": "pair"} if pair else {}, columns, "text")


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


def complete_tags(shape: TaskShape, rows: Sequence[Mapping[str, Any]], path: Path) -> dict[str, int]:
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


def texts_of(shape: TaskShape, rows: Sequence[Mapping[str, Any]]) -> list[str]:
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
