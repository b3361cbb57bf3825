"""The data audit: how often data speak of groups, with which labels, and together with what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.dataset import Dataset
from harness.core.digests import digest, fraction
from harness.core.errors import DataError, Where
from harness.core.labels import is_missing, label_text
from harness.data.data_quality import quality, rate_tests
from harness.data.read_rows import TableFormat, content_of, read_rows
from harness.data.user_data import UNLABELED
from harness.schema.results.inputs import AuditResult
from harness.statistics.estimate import estimate
from harness.statistics.result import IntArray
from harness.text.cooccurrence import group_rates, own_words, together
from harness.text.language_guess import language_warnings
from harness.text.lexicons.builtin_lists import described_words
from harness.text.lexicons.group_words import GroupWords, own_gender_words

AUDIT_FORMAT = 2
OWN = "built-in list (gendered words)"
LEAST = 5
"""Words that meet groups in fewer sentences are counted, not shown."""
MOST_WORDS = 40
EXAMPLES = 3
_SHOWN = 200


def read_groups(path: Path, notes: list[str] | None = None) -> GroupWords:
    """Groups from a file with the columns group and word; a word may stand in several groups.

    Args:
        notes: gets what was guessed of the file.

    Raises:
        DataError: when the file cannot be read, lacks a column, has an empty cell or fewer than two groups.
    """
    read = read_rows(content_of(path), str(path), TableFormat())
    if notes is not None:
        notes += read.notes
    groups: dict[str, list[str]] = {}
    for line, row in ((raw.line, raw.fields) for raw in read.rows):
        cells = ("" if is_missing(row.get(name)) else label_text(row[name]).strip() for name in ("group", "word"))
        group, word = cells
        if not group or not word:
            raise DataError(
                "expected a group and a word in every line.",
                where=Where(path, line),
                hint="the first line must be `group,word`; fill in empty cells.",
            )
        groups.setdefault(group, []).append(word)
    if len(groups) < 2:
        raise DataError(
            f"expected words of two groups or more, found {len(groups)}.",
            where=Where(path),
            hint="the first line must be `group,word`.",
        )
    return GroupWords({group: tuple(dict.fromkeys(words)) for group, words in groups.items()})


def lexicon_key(groups: GroupWords) -> str:
    """Digest of the words, and of the list of occupations and attributes."""
    return digest([{group: list(words) for group, words in groups.words.items()}, sorted(described_words())])


def audit(
    dataset: Dataset,
    split: str,
    *,
    text: str = "text",
    label: str | None = None,
    groups: GroupWords | None = None,
    lexicon: str = OWN,
    purpose: str = "audit",
) -> AuditResult:
    """Audits one split of a data set.

    Every share has a 95% interval in which rows of one cluster count as one (Wilson's, with the effective
    number of rows). Words that never occur, and groups without a text, are stated.

    Args:
        label: the column whose rates are shown by group; None leaves them out.
        groups: our own gendered words when left out.

    Raises:
        DataError: for a missing column, or an empty split.
    """
    words = groups or own_gender_words()
    dataset.require(text)
    if label is not None:
        dataset.require(label)
    rows = dataset.split(split)
    texts = [str(row.fields.get(text) or "") for row in rows]
    cells = None if label is None else [row.fields.get(label) for row in rows]
    labeled = [place for place, cell in enumerate(cells or ()) if not is_missing(cell)]
    names = [label_text((cells or [])[place]) for place in labeled]
    clusters = _numbered(row.cluster for row in rows)
    mentions = {place: listed for place, listed in enumerate(map(words.found, texts)) if listed}
    member = {group: np.zeros(len(texts), dtype=bool) for group in words.groups}
    for place, listed in mentions.items():
        for group in listed:
            member[group][place] = True
    notes = [
        f"no text mentions the group {group!r}: insufficient evidence"
        for group, inside in member.items()
        if not inside.any()
    ]
    used = {word for listed in mentions.values() for of_group in listed.values() for word in of_group}
    unused = [w for listed in words.words.values() for w in listed if " ".join(w.split()).casefold() not in used]
    if unused:
        shown = ", ".join(unused[:8]) + (", …" if len(unused) > 8 else "")
        notes.append(f"{len(unused)} words of the lexicon never occur: {shown}")
    notes += words.unclear_notes(texts)
    if groups is None:
        notes += language_warnings(texts, "the built-in group words")
    return AuditResult(
        title=f"{dataset.name} ({split}, {purpose})",
        data=dataset.name,
        split=split,
        purpose=purpose,
        lexicon=lexicon,
        texts=len(texts),
        texts_with_a_group=len(mentions),
        groups=[
            {
                "group": group,
                "texts": int(inside.sum()),
                **_share(inside, clusters),
                "words": sum(len(listed.get(group, ())) for listed in mentions.values()),
            }
            for group, inside in member.items()
        ],
        labels=_labels(names, {group: inside[labeled] for group, inside in member.items()}, clusters[labeled])
        if label is not None
        else [],
        rate_tests=rate_tests(
            names,
            [frozenset(mentions.get(place, ())) for place in labeled],
            clusters[labeled].tolist(),
            list(words.groups),
        ),
        quality=quality(texts, cells, int(dataset.facts.get("dropped", {}).get(UNLABELED, 0))),
        co_occurrence=_meetings(((texts[place], int(clusters[place])) for place in mentions), words, notes),
        examples=_examples(texts, member),
        notes=notes,
    )


def _numbered(names: Iterable[str]) -> IntArray:
    """int[n]: the number of each cluster, which takes less memory than its name."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64)


def _labels(labels: Sequence[str], member: dict[str, Any], clusters: IntArray) -> list[dict[str, Any]]:
    made = []
    known = sorted(set(labels))
    for group, inside in {"(all)": np.ones(len(labels), dtype=bool), **member}.items():
        places: list[int] = np.flatnonzero(inside).tolist()
        for label in known:
            having = np.array([labels[place] == label for place in places], dtype=bool)
            share = _share(having, clusters[places])
            made.append({"group": group, "label": label, "texts": int(having.sum()), "of": len(places), **share})
    return made


def _meetings(texts: Iterable[tuple[str, int]], groups: GroupWords, notes: list[str]) -> list[dict[str, Any]]:
    kinds = described_words()
    named_in: list[frozenset[str]] = []
    meetings: dict[str, list[tuple[frozenset[str], str | int]]] = defaultdict(list)
    for meeting in together(texts, groups, own_words(), named_in):
        for word in meeting.words:
            meetings[word].append((meeting.groups, meeting.cluster))
    rates = group_rates(named_in, groups)
    ranked = sorted(meetings, key=lambda word: (-len(meetings[word]), word))
    shown = [word for word in ranked if len(meetings[word]) >= LEAST][:MOST_WORDS]
    if len(ranked) > len(shown):
        notes.append(
            f"{len(ranked) - len(shown)} more occupations and attributes occur near a group, in fewer than {LEAST} "
            f"sentences or beyond the {MOST_WORDS} most frequent ones"
        )
    made = []
    for word in shown:
        clusters = np.array([int(cluster) for _, cluster in meetings[word]], np.int64)
        for group in groups.groups:
            inside = np.array([group in groups for groups, _ in meetings[word]], dtype=bool)
            made.append(
                {
                    "word": word,
                    "kind": kinds[word],
                    "group": group,
                    "sentences": int(inside.sum()),
                    "of": len(inside),
                    **(shares := _share(inside, clusters)),
                    "base_rate": rates.get(group),
                    "lift": _lift(shares["share"], rates.get(group)),
                }
            )
    return made


def _lift(share: float | None, base: float | None) -> float | None:
    """How many times as often a group stands beside a word as it stands in sentences of any group."""
    return share / base if share is not None and base else None


def _examples(texts: Sequence[str], member: dict[str, Any]) -> list[dict[str, str]]:
    made = []
    for group, inside in member.items():
        places = sorted(np.flatnonzero(inside).tolist(), key=lambda place: fraction(f"{group}\n{texts[place]}"))
        made += [{"group": group, "text": texts[place][:_SHOWN]} for place in places[:EXAMPLES]]
    return made


def _share(inside: Any, clusters: IntArray) -> dict[str, float | None]:
    if not len(inside):
        return {"share": None, "low": None, "high": None}
    level = estimate(
        np.asarray(inside, dtype=np.float64)[:, None],
        kind="mean",
        value=lambda sums, n: np.asarray(sums[..., 0] / n),
        clusters=clusters,
    ).interval
    return {"share": level.value, "low": level.low, "high": level.high}
