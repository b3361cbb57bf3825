"""DeepEval's test runs: the JSON that it writes to DEEPEVAL_RESULTS_FOLDER."""

from __future__ import annotations

import re
from collections import Counter
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
    texts,
)

_NUMBERED = re.compile(r"(?:conversational_)?test_case_\d+\Z|\Z")
"""What DeepEval calls cases without a name."""


class DeepEvalImporter(LogImporter):
    """Each metric's score of each test case. The file does not name the model."""

    tool: ClassVar[str] = "DeepEval"
    summary: ClassVar[str] = "DeepEval: a test run's JSON (DEEPEVAL_RESULTS_FOLDER)."

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return isinstance(mapping(json_or_nothing(path)).get("testCases"), list)

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        path = log_file(path, self.tool)
        page = mapping(json_file(path, self.tool))
        cases = objects(page.get("testCases"))
        if not cases and objects(page.get("conversationalTestCases")):
            raise DataError(
                "the test run holds only conversations (`conversationalTestCases`), which have no single answer.",
                where=Where(path),
                hint="write their scores to a table, and import it with `harness import table`.",
            )
        if not cases:
            raise DataError(
                "expected a test run of DeepEval, found no `testCases`.",
                where=Where(path),
                hint="set DEEPEVAL_RESULTS_FOLDER, run the tests, and pass the file in that folder.",
            )
        names = Counter(text(case.get("name")) for case in cases)
        answers = numbered_repeats(_answer(case, unique=names[text(case.get("name"))] == 1) for case in cases)
        totals = {}
        for score in objects(page.get("metricsScores")):
            scores = score.get("scores")
            values = [number(value) for value in scores] if isinstance(scores, list) else []
            if values and all(value is not None for value in values):
                totals[str(score.get("metric"))] = sum(value or 0.0 for value in values) / len(values)
        verdicts = frozenset(name for answer in answers for name in answer.figures if is_verdict(name))
        talks = len(objects(page.get("conversationalTestCases")))
        notes = (f"conversations, which have no single answer, and are left out: {talks}.",) if talks else ()
        evaluation = LoggedEvaluation(answers, totals=totals, notes=notes, verdicts=verdicts)
        return [ModelLog(path.stem, {"cases": evaluation}, {})]


def _identity(case: Mapping[str, Any], *, unique: bool) -> str:
    """The name that its author gave the case; else what it asks and expects, since DeepEval numbers the others."""
    name = text(case.get("name"))
    if name and unique and not _NUMBERED.match(name):
        return name
    asked = {"name": "" if _NUMBERED.match(name) else name, "input": text(case.get("input"))}
    return short(digest({**asked, "expected": text(case.get("expectedOutput"))}))


def _verdicts(case: Mapping[str, Any]) -> dict[str, float]:
    """Whether the case passed, and each of its metrics where there are several."""
    entries = [entry for entry in objects(case.get("metricsData")) if isinstance(entry.get("success"), bool)]
    each = {str(entry.get("name")): float(bool(entry["success"])) for entry in entries}
    whole = {PASSED: float(case["success"])} if isinstance(case.get("success"), bool) else {}
    return whole | ({verdict_figure(name): passed for name, passed in each.items()} if len(each) > 1 else {})


def _answer(case: Mapping[str, Any], *, unique: bool) -> LoggedAnswer:
    figures: dict[str, float] = {}
    faults = []
    for given in objects(case.get("metricsData")):
        value = number(given.get("score"))
        if value is not None and not given.get("error"):
            figures[str(given.get("name"))] = value
        else:
            faults.append(f"{given.get('name')}: {text(given.get('error')) or 'no score'}")
    figures |= _verdicts(case)
    answer = case.get("actualOutput")
    fault = "; ".join(faults) or ("no answer" if answer is None else None if figures else "no score")
    return LoggedAnswer(
        id=_identity(case, unique=unique),
        text=text(case.get("input")),
        targets=texts(case.get("expectedOutput")),
        answer=None if fault else text(answer),
        figures={} if fault else figures,
        fault=fault or None,
    )
