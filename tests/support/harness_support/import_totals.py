"""The table of docs/import.md: each format's kept logs, the tool's own totals and those of the imported run.

`PYTHONPATH=tests/support python -m harness_support.import_totals` prints it.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness_support.imported_logs import LOGS, imported_metrics

MODELS = ("base", "tuned")
Totals = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One kept log.

    Attributes:
        version: the tool's, as the log or the script that made it says.
        arguments: of `harness import`.
        metric: (task, metric) of the run.
        figure: as the tool calls it.
        theirs: the tool's own total of it, by model.
        note: what the two totals are of, where they are not of the same answers.
    """

    version: str
    arguments: list[str]
    metric: tuple[str, str]
    figure: str
    theirs: Callable[[], Totals]
    note: str = ""


def _page(pattern: str) -> Any:
    (file,) = LOGS.glob(pattern)
    return json.loads(file.read_text("utf-8"))


def _each(read: Callable[[str], float]) -> Callable[[], Totals]:
    return lambda: {model: read(model) for model in MODELS}


def _paths(folder: str, name: str = "{}") -> list[str]:
    return [f"{model}={LOGS / folder / name.format(model)}" for model in MODELS]


def _promptfoo() -> Totals:
    counts = {prompt["provider"]: prompt["metrics"] for prompt in _page("promptfoo/results.json")["results"]["prompts"]}
    return {
        model: count["testPassCount"] / (count["testPassCount"] + count["testFailCount"])
        for model, count in counts.items()
    }


def _deepeval(model: str) -> float:
    scores = {score["metric"]: score["scores"] for score in _page(f"deepeval/{model}.json")["metricsScores"]}
    return math.fsum(scores["Length"]) / len(scores["Length"])


def _lighteval(log: str, task: str, figure: str) -> Callable[[], Totals]:
    return _each(lambda model: float(_page(f"{log}/{model}/results/*/*.json")["results"][task][figure]))


def _nel(model: str) -> float:
    """`nel`'s mean of the answers that it got; it also gives one in which failed ones are 0."""
    scores = _page(f"nemo_nel/{model}/sums/eval-*.json")["benchmark"]["scores"]
    groups = scores.get("breakdowns", {}).get("method", [])
    answered = [group["mean_reward"] for group in groups if group["group"] == "byob_sums"]
    return float(answered[0] if answered else scores["summary"]["mean"])


def _byob(model: str) -> float:
    scores = _page(f"nemo_byob/{model}/sums/byob_results.json")["tasks"]["sums"]["metrics"]["pass@1"]["scores"]
    return float(scores["length"]["value"])


CASES: list[tuple[str, Case]] = [
    (
        "lm-eval",
        Case(
            "0.4.13",
            ["lm-eval", *_paths("lm_eval")],
            ("sums_chosen", "acc"),
            "acc",
            _each(lambda model: float(_page(f"lm_eval/{model}/results_*.json")["results"]["sums_chosen"]["acc,none"])),
        ),
    ),
    (
        "inspect",
        Case(
            "inspect_ai 0.3.285",
            ["inspect", *_paths("inspect", "{}.eval")],
            ("sums", "as_logged[match]"),
            "match (accuracy)",
            _each(
                lambda model: float(
                    _page(f"inspect/{model}.json")["results"]["scores"][0]["metrics"]["accuracy"]["value"]
                )
            ),
        ),
    ),
    (
        "lighteval",
        Case(
            "0.13.0",
            ["lighteval", *_paths("lighteval")],
            ("sums-written-0", "as_logged[f1]"),
            "f1",
            _lighteval("lighteval", "sums:written|0", "f1"),
        ),
    ),
    (
        "lighteval",
        Case(
            "0.8.1",
            ["lighteval", *_paths("lighteval_old")],
            ("community-sums-chosen-0", "exact_match_strict"),
            "acc",
            _lighteval("lighteval_old", "community|sums:chosen|0", "acc"),
        ),
    ),
    (
        "nemo",
        Case(
            "0.4.0 (`nel`)",
            ["nemo", *_paths("nemo_nel")],
            ("sums", "exact_match_strict"),
            "reward",
            _each(_nel),
            "4 digits; of the answers that it got",
        ),
    ),
    (
        "nemo",
        Case(
            "0.2.8 (BYOB)",
            ["nemo", *_paths("nemo_byob")],
            ("sums", "as_logged[length]"),
            "length",
            _each(_byob),
            "4 digits",
        ),
    ),
    (
        "promptfoo",
        Case(
            "0.121.20",
            ["promptfoo", *(f"{model}={LOGS}/promptfoo/results.json#{model}" for model in MODELS)],
            ("tests", "exact_match_strict"),
            "passed",
            _promptfoo,
        ),
    ),
    (
        "deepeval",
        Case(
            "4.3.1",
            ["deepeval", *_paths("deepeval", "{}.json")],
            ("cases", "as_logged[Length]"),
            "Length",
            _each(_deepeval),
        ),
    ),
]


def row(name: str, case: Case, folder: Path) -> tuple[str, float]:
    """A line of the table, and the largest difference of the totals."""
    metrics = imported_metrics(case.arguments, folder)
    ours = {model: metrics[model, *case.metric].interval.value for model in MODELS}
    theirs = case.theirs()
    off = max(abs(ours[model] - theirs[model]) for model in MODELS)
    shown = [" → ".join(f"{totals[model]:.6g}" for model in MODELS) for totals in (theirs, ours)]
    note = f" ({case.note})" if case.note else ""
    metric = f"`{'.'.join(case.metric)}`"
    return f"| `{name}` | {case.version} | {case.figure} | {shown[0]}{note} | {shown[1]}, {metric} |", off


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for place, (name, case) in enumerate(CASES):
            sys.stdout.write(row(name, case, Path(temporary, str(place)))[0] + "\n")
