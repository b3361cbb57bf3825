"""DeepEval's test runs: the JSON that it writes to DEEPEVAL_RESULTS_FOLDER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.core.errors import DataError, Where
from harness.core.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.core.logged_verdicts import PASSED, is_verdict, verdict_figure
from harness.importers.log_values import json_file, mapping, number, text, texts


class DeepEvalImporter(LogImporter):
    """Each metric's score of each test case. The file does not name the model."""

    tool: ClassVar[str] = "DeepEval"
    summary: ClassVar[str] = "DeepEval: a test run's JSON (DEEPEVAL_RESULTS_FOLDER)."

    def read(self, path: Path, options: Mapping[str, str]) -> Sequence[ModelLog]:
        page = mapping(json_file(path, self.tool))
        cases = page.get("testCases")
        if not isinstance(cases, list) or not cases:
            raise DataError(
                "expected a test run of DeepEval, found no `testCases`.",
                where=Where(path),
                hint="set DEEPEVAL_RESULTS_FOLDER, run the tests, and pass the file that stands there.",
            )
        answers = tuple(_answer(mapping(case), place) for place, case in enumerate(cases, 1))
        scores = [mapping(score) for score in page.get("metricsScores") or () if isinstance(score, Mapping)]
        totals = {}
        for score in scores:
            values = [number(value) for value in score.get("scores") or ()]
            if values and all(value is not None for value in values):
                totals[str(score.get("metric"))] = sum(value or 0.0 for value in values) / len(values)
        verdicts = frozenset(name for answer in answers for name in answer.figures if is_verdict(name))
        return [ModelLog(path.stem, {"cases": LoggedEvaluation(answers, totals=totals, verdicts=verdicts)}, {})]


def _verdicts(case: Mapping[str, Any]) -> dict[str, float]:
    """Whether the case passed, and each of its metrics where there are several."""
    entries = [entry for entry in map(mapping, case.get("metricsData") or ()) if isinstance(entry.get("success"), bool)]
    each = {str(entry.get("name")): float(bool(entry["success"])) for entry in entries}
    whole = {PASSED: float(case["success"])} if isinstance(case.get("success"), bool) else {}
    return whole | ({verdict_figure(name): passed for name, passed in each.items()} if len(each) > 1 else {})


def _answer(case: Mapping[str, Any], place: int) -> LoggedAnswer:
    figures: dict[str, float] = {}
    faults = []
    for given in map(mapping, case.get("metricsData") or ()):
        value = number(given.get("score"))
        if value is not None and not given.get("error"):
            figures[str(given.get("name"))] = value
        else:
            faults.append(f"{given.get('name')}: {text(given.get('error')) or 'no score'}")
    figures |= _verdicts(case)
    answer = case.get("actualOutput")
    fault = "; ".join(faults) or ("no answer" if answer is None else None if figures else "no score")
    return LoggedAnswer(
        id=text(case.get("name")) or str(place),
        text=text(case.get("input")),
        targets=texts(case.get("expectedOutput")),
        answer=None if fault else text(answer),
        figures={} if fault else figures,
        fault=fault or None,
    )
