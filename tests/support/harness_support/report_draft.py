"""A run being made: its random numbers, its lists of results and how a metric becomes rows of them."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.comparisons.meanings import meanings
from harness.core import registry
from harness.core.interval import Interval
from harness.core.metric import Metric, MetricContext
from harness.core.records import ITEM
from harness.metrics.build_metrics import base_name, build_metrics
from harness.schema.results.inputs import EvaluationResult, ItemMeasureResult
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult, TableResult
from harness.storage.run_dir import RunDir

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}} {% raw %} ${7*7}",
    "safe \u202egnp.exe\u202c end \u2066x\u2069",
    "nul \x00 bell \x07 escape \x1b[31mred\x1b[0m c1 \x9b",
    "👩‍👩‍👧‍👦 🏳️‍🌈 emoji",
    "w" * 5000,
    '=HYPERLINK("http://evil.test","x")',
    "::error file=x::pwned",
    "line\u2028separator\u2029paragraph",
    "<!-- <script> --> ]]> &amp; &lt;b&gt;",
    "| a | b |\n# heading\n[x](javascript:alert(1)) @everyone #1",
]


@dataclass
class Options:
    """What a test wants different: hostile texts, fewer items, an empty run."""

    items: int = 2400
    hostile: bool = False
    seed: int = 0
    steps: int = 200


def item_id(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


class Draft:
    """What the evaluations of a run add to, one after the other."""

    def __init__(self, path: Path, options: Options) -> None:
        self.run = RunDir(path)
        self.options = options
        self.random = np.random.default_rng(options.seed)
        self.asked: dict[str, list[str]] = {}
        self.evaluations: list[EvaluationResult] = []
        self.metrics: list[MetricResult] = []
        self.comparisons: list[ComparisonResult] = []
        self.flips: list[FlipsResult] = []
        self.tables: list[TableResult] = []

    def word(self, index: int, plain: str) -> str:
        return HOSTILE[index % len(HOSTILE)] if self.options.hostile else plain

    def reliability(self, name: str, confidence: Any, right: Any) -> None:
        edges = np.linspace(1 / 3, 1, 9)
        rows, values = [], []
        for low, high in itertools.pairwise(edges):
            inside = (confidence >= low) & (confidence < high + 1e-9)
            rows.append(f"{low:.2f}-{high:.2f}")
            mean = [float(confidence[inside].mean()), float(right[inside].mean())] if inside.any() else [None, None]
            values.append([float(low), float(high), float(inside.sum()), *mean])
        self.tables.append(
            TableResult(
                evaluation="reviews",
                model=name,
                kind="reliability",
                rows=rows,
                columns=["lower", "upper", "n", "confidence", "accuracy"],
                values=values,
            )
        )

    def evaluation(
        self,
        name: str,
        role: Any,
        kind: str,
        n: int,
        clusters: dict[str, int],
        protocols: dict[str, str],
        skipped: dict[str, str] | None = None,
        caveats: list[str] | None = None,
        labels: list[str] | None = None,
    ) -> None:
        data = {"general": "prose", "pairs": "own-pairs"}.get(name, "reviews")
        self.evaluations.append(
            EvaluationResult(
                name=name,
                role=role,
                kind=kind,
                summary=f"{kind} on {data}",
                data=[data],
                split="test",
                n=n,
                clusters=clusters,
                labels=labels or [],
                protocols=protocols,
                skipped=skipped or {},
                coverage=dict.fromkeys(protocols, 1.0),
                caveats=caveats or [],
                counts={m: {"ok": n, "unread": 0, "failed": 0, "tied": 0, "truncated": 3} for m in protocols},
                cluster_unit=next(iter(clusters), ITEM),
                meanings=meanings(_registered(self.asked.get(name, ()), labels or ())),
                item_measures=_item_measures(f"{role}s", kind),
                comparability=["base answers by cloze, the others by head"] if "head" in protocols.values() else [],
            )
        )

    def add(
        self,
        evaluation: str,
        specs: dict[str, Any],
        stats: dict[str, Any],
        protocols: dict[str, str],
        slices: dict[str, dict[str, Any]],
        ideals: dict[str, float] | None = None,
        ratio: bool = False,
        comparability: list[str] | None = None,
    ) -> None:
        ideals = ideals or {}
        self.asked.setdefault(evaluation, []).extend(specs)
        for metric, (unit, direction) in specs.items():
            everything = {None: slice(None), **slices.get(metric, {})}
            for slice_, rows in everything.items():
                common: dict[str, Any] = {
                    "id": f"{evaluation}.{metric}",
                    "evaluation": evaluation,
                    "metric": metric,
                    "slice": slice_,
                    "unit": unit,
                    "direction": direction,
                    "ideal": ideals.get(metric),
                }
                for model, values in stats.items():
                    x = values[metric][rows]
                    half = 1.96 * float(x.std()) / math.sqrt(max(1, len(x)))
                    self.metrics.append(
                        MetricResult(
                            **common,
                            model=model,
                            protocol=protocols[model],
                            interval=Interval(
                                value=float(x.mean()), low=float(x.mean()) - half, high=float(x.mean()) + half
                            ),
                            n=len(x),
                            clusters=max(1, len(x) // 3),
                            method="clustered t",
                        )
                    )
                for model in list(stats)[1:]:
                    a, b = stats["base"][metric][rows], stats[model][metric][rows]
                    d = b - a
                    n, delta = len(d), float(d.mean())
                    error = float(d.std()) / math.sqrt(max(1, n))
                    z = abs(delta) / error if error else 0.0
                    rel = float(b.mean() / a.mean()) if ratio else None
                    sign = {"higher": 1, "lower": -1, "target": None}[direction]
                    ideal = ideals.get(metric)
                    self.comparisons.append(
                        ComparisonResult(
                            **common,
                            baseline="base",
                            candidate=model,
                            baseline_protocol=protocols["base"],
                            candidate_protocol=protocols[model],
                            baseline_value=float(a.mean()),
                            candidate_value=float(b.mean()),
                            delta=Interval(
                                value=delta, low=delta - 1.96 * error, high=delta + 1.96 * error, standard_error=error
                            ),
                            improvement=None if sign is None else sign * delta,
                            ratio=rel and Interval(value=rel, low=rel * (1 - 0.01), high=rel * (1 + 0.01)),
                            p=math.erfc(z / math.sqrt(2)),
                            test="sign flip of clusters" if slice_ is None else "McNemar",
                            p_adjusted=min(1.0, 9 * math.erfc(z / math.sqrt(2))) if slice_ else None,
                            family=9 if slice_ else None,
                            mde=2.49 * error,
                            n=n,
                            clusters=max(1, n // 3),
                            identical=not d.any(),
                            distance_change=None
                            if ideal is None
                            else abs(float(b.mean()) - ideal) - abs(float(a.mean()) - ideal),
                            method="clustered t",
                            weaknesses=["fewer than 20 clusters"] if n < 60 else [],
                            comparability=comparability or [],
                        )
                    )


def _registered(names: Iterable[str], labels: Sequence[str]) -> list[Metric]:
    """The registered metrics of some ids; a made-up one has no meaning."""
    metrics: list[Metric] = []
    for name in names:
        base, _, rest = name.partition("[")
        asked = "f1_per_class" if base == "f1" else name
        if base_name(asked) in registry.names("metrics"):
            context = MetricContext(labels=tuple(labels), scorer=rest.removesuffix("]") or None)
            metrics += [metric for metric in build_metrics([asked], context) if metric.id == name]
    return metrics


def _item_measures(group: str, kind: str) -> list[ItemMeasureResult]:
    if kind not in registry.names(group):
        return []
    return [ItemMeasureResult(**asdict(known)) for known in registry.load(group, kind).item_measures]
