"""The Jinja environment of all pages."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from contextlib import suppress
from importlib import resources
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemBytecodeCache, FunctionLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from harness.report.sections.metrics.slice_tables import clear, shown_clear
from harness.report.sections.summary import gate_table
from harness.report.view.comparison_reading import FEW, WORDS, classify_change, display_interval
from harness.report.view.run_view import RunView
from harness.report.wording import narrative
from harness.report.wording.glossary import CORRECTIONS, FIELDS, GLOSSARY, MARGINS, VERDICTS
from harness.report.wording.safe_text import cut, plural, slug, visible
from harness.schema.results import number_format
from harness.schema.results.absences import behind_comparison, behind_metric
from harness.schema.results.inputs import EvaluationResult
from harness.schema.run_info import attempt_sentence, earlier_mark, earlier_sentence

SUITE_TEXT_LIMIT = 20_000

ICONS = {"none": "–", "pass": "✓", "warn": "!", "inconclusive": "?", "fail": "✕", "error": "⚠"}

TABS = [
    ("summary", "Summary"),
    ("metrics", "Metrics"),
    ("items", "Items"),
    ("bias", "Bias"),
    ("models", "Models & cost"),
    ("data", "Data"),
    ("provenance", "Provenance"),
]


def breakable(name: str) -> Markup:
    """A name that may wrap after its `_`, `.`, `=`, `[` and `/`, and nowhere else if it can be helped."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_.=/])|(?=\[)", visible(name)) if part)


@functools.cache
def source(name: str) -> str:
    """A file of the templates' folder, as text."""
    return (resources.files("harness.report.web.templates") / name).read_text("utf-8")


def _load(name: str) -> str | None:
    return source(name) if name.endswith(".j2") else None


def _shown(value: Any) -> Any:
    """Every expression of a template passes here before it is escaped."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


@functools.cache
def environment() -> Environment:
    """The templates with autoescape and everything that they call."""
    loader: BaseLoader = FunctionLoader(_load)
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=compiled_templates(Path(__file__)),
    )
    environment.tests.update(at_once=gate_table.at_once, shown_clear=shown_clear)
    environment.globals.update(
        f=number_format,
        children=children,
        overlaps=overlaps,
        clear=clear,
        facts=facts,
        FEW=FEW,
        behind_comparison=behind_comparison,
        behind_metric=behind_metric,
        g=gate_table,
        classify_change=classify_change,
        display_interval=display_interval,
        change=narrative.change,
        attempt_sentence=attempt_sentence,
        earlier_mark=earlier_mark,
        earlier_sentence=earlier_sentence,
        WORDS=WORDS,
        ICONS=ICONS,
        VERDICTS=VERDICTS,
        TABS=TABS,
        plural=plural,
        breakable=breakable,
        MARGINS=MARGINS,
        CORRECTIONS=CORRECTIONS,
        FIELDS=FIELDS,
        GLOSSARY=GLOSSARY,
        slug=slug,
        cut=cut,
        suite_limit=SUITE_TEXT_LIMIT,
    )
    return environment


def facts(value: Any) -> str:
    """A value of run.json or of a model's facts as one short text."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {facts(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(facts(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return "–" if value is None else str(value)


def overlaps(evaluation: EvaluationResult) -> list[tuple[int, str]]:
    """(items, the models that were trained on so many of them), most first."""
    models: dict[int, list[str]] = {}
    for name, known in evaluation.counts.items():
        models.setdefault(known.get("overlap", 0), []).append(name)
    return [(count, ", ".join(names)) for count, names in sorted(models.items(), reverse=True) if count]


def children(view: RunView, name: str) -> int:
    """How many models of the suite start from a checkpoint."""
    return sum(model.parent == name for model in view.results.models)


class _Bytecode(FileSystemBytecodeCache):
    """What cannot be read or written is compiled again, as Python does with its own bytecode."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # a damaged file raises whatever pickle and marshal do
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def compiled_templates(settings: Path) -> FileSystemBytecodeCache | None:
    """The place for the bytecode of an environment's templates; None where Python writes no bytecode.

    Args:
        settings: the module that makes the environment. Its content is part of the names, as is Jinja's version, since
            an environment's settings are compiled into the templates.
    """
    if sys.dont_write_bytecode:
        return None
    made_with = hashlib.sha256(settings.read_bytes() + version("jinja2").encode()).hexdigest()[:16]
    return _Bytecode(str(Path(cache_from_source(str(settings))).parent), f"templates-{made_with}-%s.jinja")
