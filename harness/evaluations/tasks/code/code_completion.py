"""Code completion: the body of a function after its head. Code is parsed, never run."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest, fraction
from harness.core.evaluation import Item, ItemMeasure
from harness.evaluations.answers.repeated_answers import SAMPLED
from harness.evaluations.columns import text_of
from harness.evaluations.generation_base import MOST_TOKENS, WritingOptions, WritingTask
from harness.evaluations.row_task import PARENT
from harness.metrics.capability.written_text import edit_similarity_of, parses

_INDENT = "    "


class CodeCompletionOptions(WritingOptions):
    """The YAML of a code-completion task."""

    text: str = Field("text", description="Column with the source code of a Python module.")
    functions: int = Field(3, ge=1, description="Use at most this many functions per module.")
    body_lines: int = Field(8, ge=1, description="Maximum length of a function body; longer ones are skipped.")
    max_tokens: int = Field(96, ge=1, le=MOST_TOKENS, description="Maximum number of generated tokens.")
    stop: list[str] = Field(
        ["\n\n\n", "\ndef ", "\nclass "], description="Stop strings; the body ends before the first one."
    )


class CodeCompletion(WritingTask[CodeCompletionOptions]):
    """Asks for the body of functions: the first line exactly and nearly, and whether the whole parses."""

    Options: ClassVar[type[CodeCompletionOptions]] = CodeCompletionOptions
    kind: ClassVar[str] = "code_completion"
    summary: ClassVar[str] = "Python code completion: whether the next line matches the original and the code parses."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("edit_similarity", "similarity to the right line", better="higher"),
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("line_exact_match", "edit_similarity", "parse_rate", "correct", "length_limit_rate", "prediction", "target"),
        *("nll_reference", "bytes_reference"),
        *SAMPLED,
    )
    default_metrics: tuple[str, ...] = (
        *("target_bits_per_byte", "line_exact_match", "edit_similarity", "parse_rate", "length_limit_rate"),
    )
    format: ClassVar[int] = 2
    separator: ClassVar[str] = "\n" + _INDENT

    def columns(self) -> list[str]:
        return [self.options.text]

    def row_items(self, dataset: Dataset, row: Row) -> Iterator[Item]:
        heads = functions(text_of(dataset, row, self.options.text), self.options.body_lines)
        for head, body in sorted(heads, key=lambda pair: fraction("\n".join(pair)))[: self.options.functions]:
            yield Item(
                id=digest([row.id, head, body]),
                # Most tokenizers join a line break and an indent: a prompt that ends with one is never learned from.
                payload={"prompt": head.rstrip(), "references": [body.removeprefix(_INDENT)]},
                texts={"text": head, "reference": body},
                target=body.split("\n", 1)[0].strip(),
                clusters={PARENT: row.cluster},
                slices=row.slices,
            )

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        body = body_of(text)
        line, wanted = body.split("\n", 1)[0].strip(), str(item.target)
        exact = float(line == wanted)
        return {
            "line_exact_match": exact,
            "correct": exact,
            "edit_similarity": edit_similarity_of(line, wanted),
            "parse_rate": float(bool(line) and parses(item.payload["prompt"] + self.separator + body)),
        }, {"body": body}


def functions(source: str, body_lines: int) -> list[tuple[str, str]]:
    """(head with its doc string, body) of the functions of a module whose body is short; none if it does not parse.

    The head ends with a line break; the body is indented by four spaces.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = source.split("\n")
    parts = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        if not body or body[0].lineno == node.lineno:
            continue
        start, end = body[0].lineno - 1, node.end_lineno or 0
        whole = textwrap.dedent("\n".join(lines[node.lineno - 1 : end])).split("\n")
        cut = start - (node.lineno - 1)
        head, rest = "\n".join(whole[:cut]) + "\n", "\n".join(whole[cut:])
        if len(whole) - cut <= body_lines and rest.startswith(_INDENT) and parses(head + rest):
            parts[head + rest] = (head, rest)
    return list(parts.values())


def body_of(text: str) -> str:
    """The written lines up to the first that is not indented; the first line's indent was in the prompt."""
    kept: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number and line.strip() and not line.startswith((" ", "\t")):
            break
        kept.append(line)
    return "\n".join(kept).rstrip()
