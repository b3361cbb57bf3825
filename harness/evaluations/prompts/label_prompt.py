"""How a text is asked for its label: by a head, by a gap to fill, or by continuations.

Every protocol ends in the same thing, log-probabilities over the task's labels, so that a base
model without a head and its specialization with one can be compared, each labeled by protocol.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from harness.core.digests import fraction
from harness.core.errors import SuiteError
from harness.core.examples import PromptTarget
from harness.core.model import ModelFacts
from harness.core.requests import Classify, Cloze, Continuations, Failure, Request, Response
from harness.evaluations.prompts.prompt_template import Slot, checked, joined, parts
from harness.evaluations.record_builders import scores
from harness.schema.suite.types import Label, Strict

HEAD, CLOZE, CONTINUATIONS = "head", "cloze", "continuations"
GAP = "{mask}"
PLACE = "{text}"
SECOND = "{pair}"
FLOOR = math.log(2.0**-1022)
"""Log-probabilities below that of the smallest normal double count as this (−708.4 nats)."""


def _template(value: str) -> str:
    checked(value, ("text", "pair", "mask"))
    names = ["{" + part.name + "}" for part in parts(value) if isinstance(part, Slot)]
    if names.count(PLACE) != 1 or names.count(GAP) != 1:
        raise ValueError(f"expected {PLACE} and {GAP} once each, found {value!r}")
    if names.index(PLACE) > names.index(GAP):
        raise ValueError(f"expected {PLACE} before {GAP} (a causal model reads from the left), found {value!r}")
    if names.count(SECOND) > 1 or SECOND in names[names.index(GAP) :]:
        raise ValueError(f"expected {SECOND} at most once and before {GAP}, found {value!r}")
    return value


def _halves(template: str) -> tuple[list[str | Slot], str]:
    """What stands before the gap, and the literal text behind it."""
    pieces = parts(template)
    gap = pieces.index(Slot("mask"))
    return pieces[:gap], "".join(str(piece) for piece in pieces[gap + 1 :])


class ClozeOptions(Strict):
    """How a model without a head answers: a sentence with a gap, and the words of each label."""

    template: Annotated[str, AfterValidator(_template)] = Field(
        description="Template with {text} (and {pair} for pairs), then {mask}, such as `{text} It was {mask}.`"
    )
    words: dict[Label, list[str]] = Field(description="Words for each label (the verbalizer).")

    @model_validator(mode="after")
    def _distinct(self) -> ClozeOptions:
        owner: dict[str, str] = {}
        for label, words in self.words.items():
            if not words:
                raise ValueError(f"expected at least one word for the label {label!r}, found none")
            for word in words:
                if not word.strip():
                    raise ValueError(f"the label {label!r} has an empty word")
                if word in owner:
                    raise ValueError(f"the word {word!r} appears twice (label {owner[word]!r} and {label!r})")
                owner[word] = label
        return self


class Question:
    """Asks for one of `labels` and reads the answers.

    Args:
        labels: the task's labels, in its order.
        cloze: how models without a head are asked; None when they cannot be.
        head_labels: a head's own name of a label → the task's; for heads that do not know the task's names.
    """

    def __init__(
        self, labels: tuple[str, ...], cloze: ClozeOptions | None, head_labels: Mapping[str, str] | None = None
    ) -> None:
        self.labels = labels
        self.cloze = cloze
        names = {label: name for name, label in (head_labels or {}).items()}
        self._head_labels = tuple(names[label] for label in labels) if names else None

    def protocol(self, facts: ModelFacts) -> str | None:
        """`head` when the model's head has just these labels, else by its language model."""
        if facts.labels is not None and set(facts.labels) in (set(self.labels), set(self._head_labels or ())):
            return HEAD
        if self.cloze is None or facts.language_model is None:
            return None
        return CLOZE if facts.language_model == "masked" else CONTINUATIONS

    def unsupported(self, facts: ModelFacts) -> str:
        """Why the model cannot be asked, for people."""
        head = f"its head has the labels {', '.join(facts.labels)}" if facts.labels else "it has no classification head"
        wanted = ", ".join(self.labels)
        if facts.labels and len(facts.labels) == len(self.labels):
            table = json.dumps(dict(zip(facts.labels, self.labels, strict=True)), ensure_ascii=False)
            return (
                f"{head} (the task has {wanted}). Map them in the task, in the order in which the model learned them: "
                f"head_labels: {table}"
            )
        if facts.language_model is None:
            return f"{head} (the task has {wanted}), and it has no language-model head for a cloze prompt"
        return f"{head} (the task has {wanted}), and the task has no `cloze` for its language-model head"

    def requests(self, text: str, protocol: str, pair: str | None = None) -> list[Request]:
        """The requests for one text (and the second text of a pair); one request under every protocol."""
        if protocol == HEAD:
            return [Classify(text, self.labels, pair, head_labels=self._head_labels)]
        cloze = self._cloze()
        head, end = _halves(cloze.template)
        context = joined(head, {"text": text, "pair": pair or ""}.__getitem__)
        if protocol == CLOZE:
            # A text that holds the mark of a gap has no gap there.
            before, after = (half.replace(GAP, "{ mask }") for half in (context, end))
            return [Cloze(before + GAP + after, tuple(tuple(cloze.words[label]) for label in self.labels))]
        stem = context.rstrip()
        space = context[len(stem) :]
        return [Continuations(stem, tuple(f"{space}{word}{end}" for word in self._words()))]

    def demonstration(self, text: str, label: str, pair: str | None = None) -> PromptTarget:
        """The filled cloze as a worked example, cut before the word that says the label.

        Raises:
            SuiteError: when the task has no cloze.
        """
        if self.cloze is None:
            raise SuiteError(
                "few-shot examples need words for the labels, and the task has no `cloze`.",
                hint='add `cloze: {template: "{text} It was {mask}.", words: {…}}` to the task.',
            )
        (asked,) = self.requests(text, CONTINUATIONS, pair)
        assert isinstance(asked, Continuations)
        option = asked.options[self._words().index(self.cloze.words[label][0])]
        return PromptTarget(target=option, prompt=asked.context)

    def log_probabilities(self, responses: Sequence[Response], protocol: str) -> dict[str, float] | Failure:
        """Natural log-probabilities that sum to one over the labels, or why there are none."""
        words = self._words() if protocol == CONTINUATIONS else self.labels
        values = scores(responses[0], len(words))
        if isinstance(values, Failure):
            return values
        if protocol == CONTINUATIONS:
            by_word = dict(zip(words, values, strict=True))
            values = tuple(log_sum([by_word[word] for word in self._cloze().words[label]]) for label in self.labels)
        total = log_sum(values)
        if total == -math.inf:
            return Failure("nan", "the model assigned probability zero to every label")
        return {label: max(value - total, FLOOR) for label, value in zip(self.labels, values, strict=True)}

    def _words(self) -> tuple[str, ...]:
        cloze = self._cloze()
        return tuple(word for label in self.labels for word in cloze.words[label])

    def _cloze(self) -> ClozeOptions:
        if self.cloze is None:
            raise ValueError("this task has no cloze; ask `protocol` first")
        return self.cloze


def probabilities(log_p: Mapping[str, float]) -> dict[str, float]:
    """Log-probabilities → probabilities."""
    return {label: math.exp(value) for label, value in log_p.items()}


def log_sum(values: Sequence[float]) -> float:
    """The logarithm of a sum of exponentials."""
    highest = max(values)
    if highest == -math.inf:
        return -math.inf
    return highest + math.log(math.fsum(math.exp(value - highest) for value in values))


TIE = 1e-6
"""Two labels whose log-probabilities differ by no more than this many nats are tied."""


def decide(log_p: Mapping[str, float], key: str) -> tuple[str, bool]:
    """The likeliest label, and whether others tie with it (within `TIE` nats).

    Among tied labels a hash of `key` and the label decides, which favors no position and no
    label, and is the same for every model.
    """
    highest = max(log_p.values())
    best = [label for label, value in log_p.items() if highest - value <= TIE]
    if len(best) == 1:
        return best[0], False
    return min(best, key=lambda label: (fraction(f"{key}\n{label}"), label)), True
