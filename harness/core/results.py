"""The schema of results.json: metrics, comparisons, flips, verdicts.

It holds no time and no path, so that a run that was killed and went on writes the same bytes as
an undisturbed one; times, paths and hardware stand in run.json.
Numbers that are undefined are null, never NaN; `status` says why.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.core import atomic
from harness.core.errors import DataError, Where
from harness.core.validation import found, in_short

RESULTS_SCHEMA = 1

Verdict = Literal["pass", "warn", "inconclusive", "fail", "error"]
Direction = Literal["higher", "lower", "target"]


class Result(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelResult(Result):
    """A contender of the suite.

    Attributes:
        role: `baseline`, `release` (gates judge it), `candidate` (shown), `control`.
        made_by: `pretrain`, `finetune`, `classical`, `load`, `server`.
        label: a few words for people: "full fine-tuning from base".
        training: goal, objective, data, tokens, items, steps, flops, parameters (total, trainable),
            checkpoint bytes, seed, final loss. No times.
    """

    name: str
    role: Literal["baseline", "release", "candidate", "control"]
    made_by: str
    label: str
    parent: str | None = None
    digest: str
    facts: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class EvaluationResult(Result):
    """A task or probe: what it asked of whom.

    Attributes:
        protocols: model → how it was asked; models that cannot be asked are in `skipped`.
        skipped: model → why.
        coverage: model → share of items with status ok.
        counts: model → {ok, unread, failed, skipped, tied, truncated, overlap}.
        slice_counts: probes only; model → slice → {n, ok, unread, failed, skipped, tied}.
        comparability: notes on what differs between models (tokenizer, protocol, length).
    """

    name: str
    role: Literal["task", "probe"]
    kind: str
    summary: str
    data: list[str]
    split: str
    n: int
    clusters: dict[str, int] = Field(default_factory=dict)
    labels: list[str] = Field(default_factory=list)
    protocols: dict[str, str] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)
    coverage: dict[str, float] = Field(default_factory=dict)
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    slice_counts: dict[str, dict[str, dict[str, int]]] = Field(default_factory=dict)
    comparability: list[str] = Field(default_factory=list)
    caveats: list[str] = Field(default_factory=list)
    metrics: list[str] = Field(default_factory=list, description="metric names, the first one leads")
    scorer: str | None = None
    baseline: str = Field("", description="the model that gains are measured against here")
    baseline_reason: str | None = Field(None, description="why: the best way of the base on validation data")


class SeedsResult(Result):
    """A figure over several training seeds that were crossed with the items.

    Attributes:
        reads: `recipe` from three seeds on: the interval holds for what training with another seed
            would give. `checkpoint`: fewer, or no interval; the figures are of these checkpoints only.
        seeds: the training seeds, in the order of `values`.
        values: the candidate's figure by seed, minus the baseline's mean in a comparison.
        delta: their mean; low, high, bounds, p: as in the result that this belongs to, with
            `freedom` = seeds − 1 degrees of freedom.
        variance_seeds, variance_items, variance_interaction: V = V_seeds + V_items − V_interaction.
        alike: the seeds do not differ on any item (the one-checkpoint interval holds for them all).
        baseline_seeds: seeds of the baseline; empty when it is one checkpoint.
    """

    reads: Literal["checkpoint", "recipe"]
    seeds: list[int]
    baseline_seeds: list[int] = Field(default_factory=list)
    values: list[float | None]
    delta: float | None
    low: float | None = None
    high: float | None = None
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    p: float | None = None
    standard_error: float | None = None
    variance_seeds: float | None = None
    variance_items: float | None = None
    variance_interaction: float | None = None
    freedom: int
    n: int
    clusters: int
    alike: bool = False
    method: str
    weaknesses: list[str] = Field(default_factory=list)


class MetricResult(Result):
    """One metric of one model, on all items or on a slice.

    Attributes:
        id: `evaluation.metric`, such as `reviews.accuracy`.
        low, high: the two-sided interval at `confidence`.
        bounds: alpha → [lower, upper] one-sided bounds, for absolute and target gates.
        n, clusters: items and independent clusters behind the value.
        seeds: the level over several training seeds; all else is of the first seed's checkpoint.
    """

    id: str
    evaluation: str
    metric: str
    model: str
    slice: str | None = None
    protocol: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    n: int
    clusters: int
    unit: str
    direction: Direction
    ideal: float | None = None
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    status: Literal["ok", "undefined"] = "ok"
    reason: str | None = None


class ComparisonResult(Result):
    """Candidate minus baseline for one metric on identical items.

    Attributes:
        delta: candidate − baseline, in the metric's unit (not oriented).
        improvement: delta oriented so that above zero is better; None for target metrics.
        low, high: two-sided interval of delta at `confidence`.
        bounds: alpha → [lower, upper] one-sided bounds of **delta**.
        ratio, ratio_low, ratio_high, ratio_bounds: candidate / baseline with its interval (log
            scale), for ratio metrics that are positive; None otherwise.
        p: two-sided p-value of "no difference"; `test` names the test.
        mde: smallest true difference that this n would detect with 80% power at alpha 0.05
            (one-sided), in the metric's unit.
        only_baseline, only_candidate: items that the other side lacks (they are left out).
        identical: every paired statistic is equal.
        distance_change: for target metrics |candidate − ideal| − |baseline − ideal|, descriptive.
        p_adjusted, family, correction: of slices, within the `family` of this metric's slices with a p-value.
        adjusted_low, adjusted_high: of slices, at 1 − (1 − confidence)/m for m slices (Bonferroni): with
            `confidence` all of the metric's slices hold their true differences at once.
        seeds: the difference over several training seeds; all else is of the first seed's checkpoint.
        slow: the metric has no sufficient statistics and was recomputed on every resample.
    """

    id: str
    evaluation: str
    metric: str
    slice: str | None = None
    baseline: str
    candidate: str
    baseline_protocol: str
    candidate_protocol: str
    baseline_value: float | None
    candidate_value: float | None
    delta: float | None
    improvement: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_bounds: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    p: float | None = None
    p_adjusted: float | None = None
    family: int | None = None
    correction: str | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    test: str | None = None
    mde: float | None = None
    needed: int | None = Field(
        None, description="items at which a true difference of the size that was seen would be found with 80% power"
    )
    standard_error: float | None = None
    discordant: float | None = None
    n: int
    clusters: int
    unit: str
    direction: Direction
    ideal: float | None = None
    distance_change: float | None = None
    identical: bool = False
    only_baseline: int = 0
    only_candidate: int = 0
    method: str
    weaknesses: list[str] = Field(default_factory=list)
    comparability: list[str] = Field(default_factory=list)
    seeds: SeedsResult | None = None
    slow: bool = False
    status: Literal["ok", "undefined", "refused"] = "ok"
    reason: str | None = None


class FlipsResult(Result):
    """What changed item by item between two models on one evaluation (2×2 table)."""

    evaluation: str
    baseline: str
    candidate: str
    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    changed_wrong: int = Field(0, description="both wrong, with different answers")


class TableResult(Result):
    """A confusion matrix (rows: gold, columns: predicted) or a reliability table of a model."""

    evaluation: str
    model: str
    kind: Literal["confusion", "reliability"]
    rows: list[str]
    columns: list[str]
    values: list[list[float | None]]


class GateResult(Result):
    """The verdict of one gate on one model.

    Attributes:
        verdict: pass, fail, inconclusive or error, before severity and waivers.
        blocking: whether it decides the exit code (severity error and no valid waiver).
        sentence: one plain sentence with the numbers.
        observed, bound, margin: what was compared, in the metric's unit (or as a ratio).
        low, high: one-sided bounds of `observed` at `alpha`, each on its own.
        n, clusters: items and independent clusters behind it.
        needs: items that would probably decide an inconclusive gate.
        waiver_holds: False for a waiver that has expired; None without one.
        where: `file:line` of the rule in the suite.
        members: of a composition (kind `all_of`, `any_of`): the verdict of each member, with `id` its own name in
            the composition; they block through the composition alone.
    """

    id: str
    kind: str
    metric: str
    model: str | None
    baseline: str | None = None
    slice: str | None = None
    severity: Literal["error", "warn"]
    verdict: Literal["pass", "fail", "inconclusive", "error"]
    blocking: bool
    sentence: str
    observed: float | None = None
    bound: float | None = None
    low: float | None = None
    high: float | None = None
    margin: str | None = None
    alpha: float
    n: int | None = None
    clusters: int | None = None
    mde: float | None = None
    needs: int | None = None
    waiver: str | None = None
    waiver_holds: bool | None = None
    where: str | None = None
    members: list[GateResult] = Field(default_factory=list)


class VerdictResult(Result):
    overall: Verdict
    exit_code: int
    sentence: str
    counts: dict[str, int] = Field(default_factory=dict)


class DataResult(Result):
    """A dataset that the run used: size, licence, where it came from, overlap with training."""

    name: str
    fingerprint: str
    rows: dict[str, int]
    clusters: dict[str, int] = Field(default_factory=dict)
    licence: str | None = None
    citation: str | None = None
    source: str | None = None
    digests: dict[str, str] = Field(default_factory=dict)
    caveats: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class AuditResult(Result):
    """What a data set says of groups of people, by one lexicon: counts with intervals, and examples.

    Attributes:
        title: for people.
        purpose: `pretraining`, `fine-tuning`, `evaluation`, or why else it was audited.
        lexicon: whose words tell the groups.
        texts, texts_with_a_group: rows, and rows that hold a word of any group.
        groups: rows of group, texts, share, low, high (of all texts), words.
        labels: rows of group, label, texts, of, share, low, high; `(all)` is every text.
        co_occurrence: rows of word, kind, group, sentences, of, share, low, high: of the sentences with
            the word and a word of any group, how many hold the group.
        examples: rows of group and text.
    """

    title: str
    data: str
    split: str
    purpose: str
    lexicon: str
    texts: int
    texts_with_a_group: int
    groups: list[dict[str, Any]] = Field(default_factory=list)
    labels: list[dict[str, Any]] = Field(default_factory=list)
    co_occurrence: list[dict[str, Any]] = Field(default_factory=list)
    examples: list[dict[str, str]] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class FalseAlarmsResult(Result):
    """How often a difference test claims a difference when the two sides are swapped by coin.

    Attributes:
        alarms: of `swaps` random swaps of whole clusters those with p ≤ alpha; rate, low, high: their share
            with its exact 99% interval.
        nominal: the rate is compatible with alpha or below; None when nothing could be counted.
        differing: clusters that differ between the two sides at all.
        reason: why nothing was counted.
    """

    evaluation: str
    metric: str
    baseline: str
    candidate: str
    test: str | None
    alpha: float
    swaps: int
    alarms: int
    undefined: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    nominal: bool | None = None
    n: int
    clusters: int
    differing: int
    reason: str | None = None


class NoiseResult(Result):
    """What differs when one model is asked the same twice, with another batch size and order.

    Attributes:
        identical: every statistic is equal to the last bit.
        largest: largest change of any statistic on any item; None when it is not known.
        changed: items with a changed statistic; answers: of those, items with another answer.
        delta: change of the metric itself: the noise floor, below which no difference means anything.
    """

    evaluation: str
    model: str
    metric: str
    n: int
    identical: bool
    largest: float | None
    changed: int
    answers: int
    delta: float | None
    reason: str | None = None


class SelftestResult(Result):
    """`harness selftest`: whether the tests behind the verdicts hold on the run's own records.

    Attributes:
        passed: no test claims differences more often than it may.
        noise_reason: why no model was asked again; None when one was.
        sentence: the whole for people.
    """

    passed: bool
    sentence: str
    false_alarms: list[FalseAlarmsResult]
    noise: list[NoiseResult] = Field(default_factory=list)
    noise_reason: str | None = None


class Results(Result):
    schema_version: int = RESULTS_SCHEMA
    suite: str
    suite_digest: str
    title: str
    seed: int
    baseline: str
    candidates: list[str]
    release: list[str]
    limit: int | None = Field(None, description="--limit: at most this many items an evaluation")
    models: list[ModelResult]
    data: list[DataResult]
    evaluations: list[EvaluationResult]
    metrics: list[MetricResult]
    comparisons: list[ComparisonResult]
    flips: list[FlipsResult]
    tables: list[TableResult]
    gates: list[GateResult]
    audits: list[AuditResult] = Field(default_factory=list, description="the data that models learned from")
    verdict: VerdictResult
    selftest: SelftestResult | None = Field(None, description="`harness selftest`, when it was run")
    notes: list[str] = Field(default_factory=list)

    def write(self, path: Path) -> None:
        """Writes results.json atomically; equal results give equal bytes."""
        text = json.dumps(
            finite(self.model_dump(mode="json", by_alias=True)), indent=1, sort_keys=True, allow_nan=False
        )
        atomic.write_text(path, text + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Reads results.json.

        Raises:
            DataError: when it is missing, damaged or of another schema version.
        """
        try:
            value = json.loads(path.read_text("utf-8"))
            if not isinstance(value, dict):
                raise ValueError(f"expected an object, found {found(value)}")
            version = value.get("schema_version")
            if version != RESULTS_SCHEMA:
                raise ValueError(f"schema version {version}, expected {RESULTS_SCHEMA}")
            return cls.model_validate(value)
        except FileNotFoundError as error:
            raise DataError(
                "there is no results.json here.", where=Where(path), hint="give the folder of a finished run."
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read results.json: {in_short(error)}", where=Where(path), hint="run the suite again."
            ) from error


def finite(value: Any) -> Any:
    """JSON without NaN or infinity: they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value
