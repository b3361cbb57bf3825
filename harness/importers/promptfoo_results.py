"""promptfoo's results: the JSON of `promptfoo eval --output FILE.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.core.digests import digest, short
from harness.core.errors import DataError, Where
from harness.importers.imported_log import (
    PASSED,
    LoggedAnswer,
    LoggedEvaluation,
    LogImporter,
    ModelLog,
    is_verdict,
    verdict_figure,
)
from harness.importers.log_values import (
    json_file,
    json_or_nothing,
    log_file,
    mapping,
    number,
    numbered_repeats,
    objects,
    text,
)

SCORE = "score"
_EQUALS = "equals"


class PromptfooImporter(LogImporter):
    """Each test as an item, each provider as a model, each prompt as a task."""

    tool: ClassVar[str] = "promptfoo"
    summary: ClassVar[str] = "promptfoo: the JSON of `promptfoo eval --output results.json`."

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return isinstance(mapping(mapping(json_or_nothing(path)).get("results")).get("results"), list)

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        path = log_file(path, self.tool)
        page = mapping(json_file(path, self.tool))
        results = mapping(page.get("results"))
        rows = results.get("results")
        if not isinstance(rows, list) or not rows:
            raise DataError(
                "expected promptfoo's results, found no `results.results`.",
                where=Where(path),
                hint="run `promptfoo eval --output results.json`.",
            )
        if len(objects(rows)) != len(rows):
            place = next(place for place, row in enumerate(rows) if not isinstance(row, Mapping))
            raise DataError(
                f"expected an object in `results.results[{place}]`, found another value.", where=Where(path)
            )
        several = len({text(mapping(mapping(row).get("prompt")).get("label")) for row in rows}) > 1
        answers: dict[str, dict[str, list[LoggedAnswer]]] = {}
        for row in map(mapping, rows):
            provider = mapping(row.get("provider"))
            model = str(provider.get("label") or provider.get("id") or row.get("provider"))
            task = f"prompt-{row.get('promptIdx', 0)}" if several else "tests"
            answers.setdefault(model, {}).setdefault(task, []).append(_answer(row))
        version = mapping(page.get("metadata")).get("promptfooVersion")
        facts = {"promptfoo_version": version} if isinstance(version, str) else {}
        return [
            ModelLog(
                model,
                {
                    task: LoggedEvaluation(numbered_repeats(given), verdicts=_verdict_names(given))
                    for task, given in tasks.items()
                },
                {"model_name": model, **facts},
            )
            for model, tasks in answers.items()
        ]


def _identity(row: Mapping[str, Any]) -> str:
    """A test's own: what it asks and what it expects, not its place in a file that may grow."""
    case = mapping(row.get("testCase"))
    asked = {"vars": row.get("vars", case.get("vars")), "assert": case.get("assert"), "about": case.get("description")}
    return short(digest(json.loads(json.dumps(asked, default=str), parse_constant=str)))


def _verdict_names(answers: Sequence[LoggedAnswer]) -> frozenset[str]:
    return frozenset(name for answer in answers for name in answer.figures if is_verdict(name))


def _verdicts(row: Mapping[str, Any]) -> dict[str, float]:
    """Which assertions of a test passed, by their metric, else their type; nothing where there is one only."""
    passed: dict[str, bool] = {}
    for entry in objects(mapping(row.get("gradingResult")).get("componentResults")):
        asserted = mapping(entry.get("assertion"))
        name = text(asserted.get("metric")) or text(asserted.get("type"))
        if name:
            passed[name] = passed.get(name, True) and entry.get("pass") is True
    return {verdict_figure(name): float(held) for name, held in passed.items()} if len(passed) > 1 else {}


def _answer(row: Mapping[str, Any]) -> LoggedAnswer:
    case = mapping(row.get("testCase"))
    equal = [text(entry.get("value")) for entry in objects(case.get("assert")) if entry.get("type") == _EQUALS]
    output = mapping(row.get("response")).get("output")
    # promptfoo has an `error` for a failed assertion, too; what failed to answer has no output.
    fault = text(row.get("error")) or "no output" if output is None else None
    figures = {PASSED: number(row.get("success")), SCORE: number(row.get("score"))}
    figures |= _verdicts(row)
    figures |= {str(name): number(value) for name, value in mapping(row.get("namedScores")).items()}
    prompt = text(mapping(row.get("prompt")).get("raw"))
    return LoggedAnswer(
        id=_identity(row),
        text=prompt,
        targets=tuple(equal),
        answer=None if fault is not None else output if isinstance(output, str) else json.dumps(output),
        figures={} if fault is not None else {name: value for name, value in figures.items() if value is not None},
        fault=fault,
    )
