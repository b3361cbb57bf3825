"""Documents → prompts, targets and choices, by an lm-eval task's templates in a sandbox.

Templates are text of strangers: they see the document and nothing else, and long repetitions are refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from harness.core.errors import DataError
from harness.text.bounded import bounded

SEED = 1234
"""lm-eval's own seed of few-shot draws, so that the same examples are drawn."""

_LONGEST = 1_000_000
_LONGEST_TEXT = 100_000_000
_LARGEST_POWER = 64
_FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, re.error, MemoryError, RecursionError)
Doc = Mapping[str, Any]


@cache
def _environment() -> Any:
    from jinja2 import BaseLoader, StrictUndefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sizes = [len(side) for side in (left, right) if hasattr(side, "__len__")]
            counts = [side for side in (left, right) if isinstance(side, int)]
            if sizes and counts and sizes[0] * counts[0] > _LONGEST:
                raise SecurityError("a text is repeated too often")
            if operator == "**" and isinstance(right, int) and abs(right) > _LARGEST_POWER:
                raise SecurityError("a power is too large")
            return super().call_binop(context, operator, left, right)

    made = Sandbox(loader=BaseLoader(), undefined=StrictUndefined, keep_trailing_newline=True)
    # Both draw at random: the same document would get another prompt in every run.
    del made.globals["lipsum"], made.filters["random"]
    made.filters["regex_replace"] = lambda text, pattern, repl, count=0: re.sub(pattern, repl, text, count=count)
    return made


@cache
def _compiled(template: str) -> Any:
    return _environment().from_string(template)


def render(template: str, doc: Doc) -> str:
    """A template with the document's columns.

    Raises:
        DataError: for a template that is wrong, misses a column, or tries what the sandbox forbids.
    """
    from jinja2 import TemplateError

    try:
        with bounded("it"):
            text: str = _compiled(template).render(**doc)
    except (*_FAULTS, TemplateError) as error:
        raise DataError(
            f"the template {template[:80]!r} cannot be rendered: {type(error).__name__}: {str(error)[:160]}",
            hint=f"the document has {', '.join(map(str, doc))}.",
        ) from error
    if len(text) > _LONGEST_TEXT:
        raise DataError(f"the template {template[:80]!r} makes a text of {len(text)} characters.")
    return text


class Prompts:
    """The texts of a task.

    Args:
        task: as `read_task` gives it.
        shots: how many examples go before each question.
    """

    def __init__(self, task: Mapping[str, Any], shots: int) -> None:
        self.task = task
        self.shots = shots
        given = dict(task.get("fewshot_config") or {})
        self.split = given.get("split") or task.get("fewshot_split")
        self.sampler = str(given.get("sampler", "default"))
        self.indices: Sequence[int] | None = given.get("fewshot_indices")
        # lm-eval prefers a split where both are there.
        self.samples: Sequence[Doc] | None = given.get("samples") if not self.split else None
        names = ("doc_to_text", "doc_to_target", "doc_to_choice", "fewshot_delimiter", "target_delimiter")
        self.example = {**task, **{key: given[key] for key in names if given.get(key) is not None}}

    def text(self, doc: Doc, task: Mapping[str, Any] | None = None) -> str | int:
        """What is asked; a number where the choices are the questions (as in Winogrande)."""
        rendered = _field(doc, (task or self.task)["doc_to_text"], self.has_choices)
        if not isinstance(rendered, str | int):
            raise DataError(f"`doc_to_text` returns {type(rendered).__name__}, expected a text.")
        return rendered

    def target(self, doc: Doc, task: Mapping[str, Any] | None = None) -> Any:
        """A text, the number of a choice, or a list of either."""
        template = (task or self.task)["doc_to_target"]
        rendered = _field(doc, template, self.has_choices)
        if isinstance(template, str) and template not in doc and isinstance(rendered, str) and rendered[:1] == "[":
            try:
                return ast.literal_eval(rendered)
            except (SyntaxError, ValueError):
                return rendered
        return rendered

    def choices(self, doc: Doc, task: Mapping[str, Any] | None = None) -> list[str]:
        template = (task or self.task).get("doc_to_choice")
        if isinstance(template, str):
            listed = doc[template] if template in doc else _literal(render(template, doc))
        else:
            listed = list(template.values()) if isinstance(template, dict) else template
        if not isinstance(listed, list | tuple) or not all(isinstance(choice, str) for choice in listed):
            raise DataError(f"`doc_to_choice` returns {listed!r}, expected a list of texts.")
        return list(listed)

    @property
    def has_choices(self) -> bool:
        return self.task.get("doc_to_choice") is not None

    def delimiter(self) -> str:
        return str(self.task.get("target_delimiter", " "))

    def header(self, examples: Sequence[Doc], doc: Doc, system: str) -> str:
        """The system's and the task's description, and the examples, each with its answer."""
        return self._described(doc, system) + "".join(map(self._example, examples))

    def messages(
        self, examples: Sequence[Doc], doc: Doc, question: str, *, system: str, multiturn: bool
    ) -> list[list[str]]:
        """The same as messages: examples as turns of their own, or in one with the question."""
        described = self._described(doc, system)
        turns = [["system", described]] if described else []
        if not multiturn:
            return [*turns, ["user", "".join(map(self._example, examples)) + question]]
        for example in examples:
            asked, answer = self._pair(example)
            turns += [["user", asked], *([["assistant", answer]] if answer else [])]
        return [*turns, ["user", question]]

    def _described(self, doc: Doc, system: str) -> str:
        description = str(self.task.get("description") or "")
        if description:
            description = str(doc[description]) if description in doc else render(description, doc)
        if not system or not description:
            return system or description
        between = "" if system[-1].isspace() or description[0].isspace() else self._between
        return system + between + description

    @property
    def _between(self) -> str:
        return str(self.task.get("fewshot_delimiter", "\n\n"))

    def _example(self, doc: Doc) -> str:
        question, answer = self._pair(doc)
        after = str(self.example.get("fewshot_delimiter", "\n\n"))
        return question + str(self.example.get("target_delimiter", " ")) + answer + after if answer else question

    def _pair(self, doc: Doc) -> tuple[str, str]:
        """An example's question and answer."""
        question, answer = self.text(doc, self.example), self.target(doc, self.example)
        choices = self.choices(doc, self.example) if self.has_choices else []
        if isinstance(question, int):
            question = choices[question]
        elif choices and isinstance(answer, int):
            answer = choices[answer]
        if isinstance(answer, list) and answer:
            answer = answer[0]
        if not isinstance(answer, str):
            raise DataError(f"an example's answer is {answer!r}, expected a text.")
        return str(question), answer

    def drawn(self, docs: Sequence[Doc], pool: Sequence[Doc], *, same: bool) -> list[list[Doc]]:
        """The examples of each document, drawn as lm-eval draws them: in order, from one seed.

        lm-eval leaves a document out of its own examples only where the examples' split goes by the name of
        the test split (also where neither has one). Elsewhere its draw stands too, but for a document that
        would be its own example: that one gets others.

        Args:
            same: the pool is the split that is asked, so a document is never its own example.

        Raises:
            DataError: when the pool is too small, or the sampler unknown.
        """
        if not self.shots:
            return [[] for _ in docs]
        chosen = _picked(pool, self.indices) if self.indices else list(pool)
        told = self.split == self.task.get("test_split")
        first = self.sampler == "first_n"
        if len(chosen) < self.shots + (1 if same or (told and not first) else 0):
            raise DataError(f"{self.shots} examples are required, but only {len(chosen)} documents are available.")
        if first:
            return [self._first(chosen, doc if same or told else None) for doc in docs]
        if self.sampler != "default":
            raise DataError(f"the sampler {self.sampler!r} is not known; expected default or first_n.")
        random = Random(SEED)
        drawn = [self._sampled(random, chosen, doc if told else None) for doc in docs]
        if not same or told:
            return drawn
        return [
            Random(SEED).sample(_others(chosen, doc), self.shots) if doc in examples else examples
            for doc, examples in zip(docs, drawn, strict=True)
        ]

    def _first(self, pool: list[Doc], doc: Doc | None) -> list[Doc]:
        examples = _others(pool, doc)[: self.shots]
        if len(examples) < self.shots:
            raise DataError(
                f"{self.shots} examples are required, but only {len(examples)} other documents are available."
            )
        return examples

    def _sampled(self, random: Random, pool: list[Doc], doc: Doc | None) -> list[Doc]:
        if doc is None:
            return random.sample(pool, self.shots)
        examples = _others(random.sample(pool, self.shots + 1), doc)[: self.shots]
        return examples if len(examples) == self.shots else random.sample(_others(pool, doc), self.shots)


def _picked(pool: Sequence[Doc], indices: Sequence[int]) -> list[Doc]:
    outside = [index for index in indices if not -len(pool) <= index < len(pool)]
    if outside:
        raise DataError(f"`fewshot_indices` has {outside[0]}, but only {len(pool)} documents are available.")
    return [pool[index] for index in indices]


def _others(docs: Sequence[Doc], doc: Doc | None) -> list[Doc]:
    return [other for other in docs if doc is None or other != doc]


def _field(doc: Doc, template: Any, has_choices: bool) -> Any:
    if not isinstance(template, str):
        return template
    if template in doc:
        return doc[template]
    text = render(template, doc)
    return int(text) if text.isdigit() and text.isascii() and has_choices else text


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise DataError(f"`doc_to_choice` returns {text[:80]!r}, which is not a list of texts.") from error
