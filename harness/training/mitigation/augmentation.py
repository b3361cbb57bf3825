"""Counterfactual data augmentation: the same training texts about other people.

Lu et al. (2020) swap gendered words with a grammar; Zmigrod et al. (2019) and Webster et al. (2020)
call it one-sided where the swapped text takes its original's place, two-sided where it stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.core.digests import fraction
from harness.core.errors import DataError, SuiteError, unknown
from harness.core.examples import Example, LabeledText, PlainText, PreferencePair, PromptTarget, TaggedWords
from harness.core.requests import Messages
from harness.schema.suite.mitigation import AugmentSpec
from harness.text.lexicons.builtin_lists import excluded_words, gender_words
from harness.text.lexicons.lexicon import Lexicon, given_lexicon
from harness.text.swaps.swap import swap

_SENTENCE = re.compile(r"((?<=[.!?])\s+|\n+)")
_PARTS = "\n\x1f\n"
"""Between the parts of one example: they are swapped together or not at all."""
_WORD = re.compile(r"[^\W_]+")
RowT = TypeVar("RowT")
Kinds = Sequence[str | Lexicon]


def kinds_of(spec: AugmentSpec) -> Kinds:
    """What is swapped: built-in kinds, then the spec's own lexicons."""
    return (*spec.swap, *(given_lexicon(name, groups) for name, groups in spec.lexicons.items()))


def augment_texts(texts: Mapping[str, Sequence[str]], spec: AugmentSpec) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Every data set's texts with their counterparts, and counts of them.

    A text is swapped sentence by sentence: one that cannot be swapped safely stays, the others change.

    Raises:
        SuiteError: for `except_labels`, since texts have no labels.
        DataError: when no text can be swapped.
    """
    if spec.except_labels:
        raise SuiteError("`except_labels` applies only to fine-tuning; these texts have no labels.", hint="remove it.")
    kinds = kinds_of(spec)
    made: dict[str, list[str]] = {}
    counts = {"rows": 0, "swapped": 0, "used": 0}
    for name, rows in texts.items():
        variants_by_row = [_sentences_swapped(text, kinds) for text in rows]
        made[name] = _merged(rows, variants_by_row, spec, counts, key=str)
    _require(counts)
    return made, counts


def augment_examples(
    examples: Sequence[Example], labels: Sequence[str], spec: AugmentSpec
) -> tuple[tuple[Example, ...], dict[str, int]]:
    """Training examples with their counterparts, and counts of them.

    The texts of one example are swapped together, so that a pair, or a prompt and its answer, go on
    speaking of the same people. Rows whose label names a swapped group (a task that asks who is spoken
    of), and rows of `except_labels`, stay as they are: their label would change on purpose.

    Raises:
        SuiteError: for an unknown label, or examples that cannot be swapped.
        DataError: when no text can be swapped.
    """
    kinds = kinds_of(spec)
    for label in spec.except_labels:
        if label not in labels:
            raise SuiteError(f"except_labels: {unknown('label of the task', label, labels)}")
    told = frozenset(
        place for place, label in enumerate(labels) if label in spec.except_labels or names_a_group(label, kinds)
    )
    counts = {"rows": 0, "swapped": 0, "used": 0, "left_by_label": 0}
    variants_by_example: list[Sequence[Example]] = []
    for example in examples:
        if isinstance(example, LabeledText) and told.intersection(example.places):
            counts["left_by_label"] += 1
            variants_by_example.append([])
        else:
            variants_by_example.append(_example_swapped(example, kinds))
    made = _merged(examples, variants_by_example, spec, counts, key=lambda example: repr(example.to_json()))
    _require(counts)
    return tuple(made), counts


def names_a_group(label: str, kinds: Kinds) -> bool:
    """Whether a label's name says of whom a text speaks, in terms that are swapped."""
    words = [word.casefold() for word in _WORD.findall(label)]
    for kind in kinds:
        if isinstance(kind, Lexicon):
            listed = {word.casefold() for entry in kind.entries for word in (entry.word, entry.group)}
            if label.casefold() in listed or listed.intersection(words):
                return True
        elif kind == "gender" and any(gender_words().find(word) or word in excluded_words() for word in words):
            return True
    return False


def _merged(
    rows: Sequence[RowT],
    variants_by_row: Sequence[Sequence[RowT]],
    spec: AugmentSpec,
    counts: dict[str, int],
    *,
    key: Callable[[RowT], str],
) -> list[RowT]:
    made: list[RowT] = []
    for row, variants in zip(rows, variants_by_row, strict=True):
        counts["rows"] += 1
        counts["swapped"] += bool(variants)
        place = fraction("augment\n" + key(row)) if variants else 1.0
        if spec.originals == "replace":
            # One draw decides both: whether the row is swapped, and by which of its variants.
            taken = [variants[int(place / spec.share * len(variants))]] if place < spec.share else []
            made += taken or [row]
        else:
            taken = [
                variant for variant in variants if fraction("augment\n" + key(row) + "\n" + key(variant)) < spec.share
            ]
            made += [row, *taken]
        counts["used"] += len(taken)
    return made


def _require(counts: Mapping[str, int]) -> None:
    if counts["used"]:
        return
    left = counts.get("left_by_label", 0)
    if left:
        reason = f"{left} of {counts['rows']} rows have a label that names the group or is excluded"
    else:
        reason = f"{counts['swapped']} of {counts['rows']} texts contain swappable words"
    raise DataError(
        f"augmentation would change nothing: {reason}.",
        hint="swap other words (`swap`, `lexicons`), increase `share`, or remove `augment`.",
    )


def _sentences_swapped(text: str, kinds: Kinds) -> list[str]:
    pieces = _SENTENCE.split(text)
    swapped: dict[tuple[str, frozenset[str]], dict[int, str]] = {}
    for number in range(0, len(pieces), 2):
        for variant in swap(pieces[number], kinds) if pieces[number] else []:
            swapped.setdefault((variant.kind, _exchange(variant.kind, variant.from_group, variant.to_group)), {})[
                number
            ] = variant.text
    return ["".join(changed.get(number, piece) for number, piece in enumerate(pieces)) for changed in swapped.values()]


def _exchange(kind: str, first: str, second: str) -> frozenset[str]:
    """Which sentences change together: all that the same two groups change places in."""
    return frozenset() if kind == "gender" else frozenset((first, second))


def _example_swapped(example: Example, kinds: Kinds) -> Sequence[Example]:
    if isinstance(example, PlainText):
        return [PlainText(text) for text in _sentences_swapped(example.text, kinds)]
    if isinstance(example, LabeledText):
        parts = example.inputs()
        return [
            replace(example, text=texts[0], pair=texts[1] if len(texts) > 1 else None)
            for texts in _together(parts, kinds)
        ]
    if isinstance(example, PreferencePair):
        # One swap for all of a pair: both answers go on speaking of the people that the prompt speaks of.
        asked = example.inputs()
        return [
            replace(_asked(example, texts[: len(asked)]), chosen=texts[-2], rejected=texts[-1])
            for texts in _together((*asked, example.chosen, example.rejected), kinds)
        ]
    if isinstance(example, PromptTarget):
        if example.messages:
            turns = (*(turn[1] for turn in example.messages), example.target)
            return [
                replace(
                    example,
                    messages=_with_texts(example.messages, texts),
                    target=texts[-1],
                )
                for texts in _together(turns, kinds)
            ]
        return [
            replace(example, prompt=texts[0], target=texts[1])
            for texts in _together((example.prompt, example.target), kinds)
        ]
    if isinstance(example, TaggedWords):
        rows = (tuple(variant.text.split(" ")) for variant in swap(" ".join(example.words), kinds))
        return [replace(example, words=words) for words in rows if len(words) == len(example.words)]
    raise SuiteError(
        f"augmentation does not swap examples of type {example.kind}: their answers refer to positions in the text.",
        hint="remove `augment` for this task.",
    )


def _asked(pair: PreferencePair, texts: Sequence[str]) -> PreferencePair:
    """The pair with other texts in its prompt or conversation."""
    if pair.messages:
        return replace(pair, messages=_with_texts(pair.messages, texts))
    return replace(pair, prompt=texts[0]) if texts else pair


def _with_texts(messages: Messages, texts: Sequence[str]) -> Messages:
    """The messages with other texts in them; further texts are left alone."""
    return tuple((role, text, *more) for (role, _, *more), text in zip(messages, texts, strict=False))


def _together(parts: Sequence[str], kinds: Kinds) -> list[list[str]]:
    if len(parts) == 1:
        return [[variant.text] for variant in swap(parts[0], kinds)]
    if any("\x1f" in part for part in parts):
        return []
    return [variant.text.split(_PARTS) for variant in swap(_PARTS.join(parts), kinds)]
