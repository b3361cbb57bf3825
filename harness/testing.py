"""For tests of plug-ins: small models of plain arithmetic, and what every metric and every model kind must keep.

    from harness.testing import check_metric

    def test_loudness() -> None:
        check_metric("loudness")

Nothing here needs torch or a network, and every random number comes from the seed that a call is given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ValidationError

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.comparisons.recomputed import value_of
from harness.core import registry
from harness.core.dataset import Dataset, Row
from harness.core.digests import digest
from harness.core.errors import SuiteError
from harness.core.evaluation import Evaluation
from harness.core.metric import Direction, Metric, MetricContext, Role, unit_of
from harness.core.model import ModelFacts
from harness.core.model_kind import TrainingNeed, formats, kind_named
from harness.core.records import STAT_PREFIX, FloatArray, Record, Records, RecordsHead
from harness.core.requests import (
    Classify,
    Cloze,
    Continuations,
    Failure,
    Likelihood,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
)
from harness.metrics.build_metrics import factory
from harness.metrics.metric_shapes import RecordMetric
from harness.metrics.per_scorer import ByScorer
from harness.statistics.inference_settings import InferenceSettings

__all__ = [
    "LABELS",
    "METRIC_CHECKS",
    "TONE",
    "HeadModel",
    "LanguageModel",
    "MetricCase",
    "ask",
    "check_metric",
    "check_model_kind",
    "check_rule",
    "dataset",
    "log_softmax",
    "metric_cases",
    "plain_records",
    "tone",
]


LABELS = ("negative", "neutral", "positive")
TONE = {"good": 2.0, "great": 3.0, "fine": 1.0, "bad": -2.0, "awful": -3.0, "dull": -1.5, "he": 0.4, "she": -0.4}


def tone(text: str) -> float:
    words = "".join(c.lower() if c.isalpha() else " " for c in text).split()
    return sum(TONE.get(word, 0.0) for word in words)


def log_softmax(values: list[float]) -> tuple[float, ...]:
    total = math.log(sum(math.exp(value) for value in values))
    return tuple(value - total for value in values)


class HeadModel:
    """A bag of toned words with a classification head; its labels may stand in another order."""

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        self.facts = ModelFacts(digest="head", family="bag_of_words", language_model=None, labels=labels)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            if not isinstance(request, Classify):
                yield request, Failure("unsupported", "only texts")
                continue
            place = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
            mood = tone(request.text)
            yield request, Scores(log_softmax([mood * place.get(label, 0.0) for label in request.labels]))


class LanguageModel:
    """Every letter has its own fixed cost; a gap is filled by the tone of the text.

    `room`: how many tokens (words) fit.
    """

    def __init__(self, kind: str = "masked", room: int = 10_000) -> None:
        language_model: Any = kind
        self.facts = ModelFacts(digest=kind, family=kind, language_model=language_model, labels=None)
        self.room = room

    def total(self, text: str) -> float:
        return -sum(0.1 + (ord(c) % 7) / 10 for c in text)

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            yield request, self._one(request)

    def _one(self, request: Request) -> Response:
        if isinstance(request, PseudoLikelihood | RollingLikelihood):
            tokens = len(request.text.split())
            over = max(0, tokens - self.room)
            return Likelihood(self.total(request.text), tokens - over, over)
        if isinstance(request, Cloze):
            assert request.text.count("{mask}") == 1
            mood = tone(request.text)
            return Scores(tuple(sum(TONE[word] for word in group) * mood - 5 for group in request.groups))
        if isinstance(request, Continuations):
            mood = tone(request.context)
            return Scores(tuple(TONE[option.strip(" .")] * mood - 9 for option in request.options))
        return Failure("unsupported", "no head")


def dataset(
    rows: Iterable[Mapping[str, Any]],
    *,
    name: str = "reviews",
    labels: Mapping[str, tuple[str, ...]] | None = None,
    split: str = "test",
) -> Dataset:
    made = []
    for place, row in enumerate(rows):
        fields = {key: value for key, value in row.items() if key not in ("cluster", "slices")}
        made.append(
            Row(
                digest([name, place, str(fields)]),
                fields,
                row.get("cluster", f"c{place}"),
                tuple(row.get("slices", ())),
            )
        )
    columns = tuple(dict.fromkeys(key for row in made for key in row.fields))
    return Dataset(name, digest([name, len(made)]), {split: tuple(made)}, columns, labels or {})


def ask(evaluation: Evaluation, data: list[Dataset], model: Any, split: str = "test") -> Records:
    protocol = evaluation.protocol(model.facts)
    assert protocol is not None, evaluation.unsupported(model.facts)
    made = []
    for item in evaluation.items(data, split):
        requests = list(evaluation.requests(item, protocol))
        answers = dict(model.answer(dict.fromkeys(requests)))
        made.append(evaluation.record(item, protocol, [answers[request] for request in requests]))
    return Records.of(RecordsHead(evaluation.name, model.facts.digest, protocol), made)


ITEMS = 240
PER_CLUSTER = 4
GROUPS = ("a", "b")
CLASSES = ("no", "yes", "rare")
"""Labels of `plain_records`; of the last one no item is, and only an answer that is asked for names it."""
UNITS = ("parent", "target", "occupation", "template", "pair", "original", "word", "document")
SOME = 8
"""Clusters that are left out and counted twice; more say little more."""
SPREAD = 0.3
MOST_PER_ANSWER = 16.0

Rng = np.random.Generator
Places = npt.NDArray[np.int64]
MakeRecords = Callable[[int, int], Records]
"""Makes records from two seeds: of the items, and of the answers; the same items get the same ids."""


def plain_records(
    items: int = 0, answers: int = 0, *, needs: Sequence[str] = (), protocol: str = "plain", rare: Sequence[int] = ()
) -> Records:
    """Records of 240 made-up items with all that the built-in metrics read, in clusters of four.

    Statistics of other names are 0 or 1.

    Args:
        items: seed of what the items are.
        answers: seed of what a model answers.
        needs: the statistics that a metric reads (`MetricFactory.needs`).
        protocol: how the model was asked.
        rare: the rows whose answer names the label that no item has.
    """
    given, said = np.random.default_rng([items, 1]), np.random.default_rng([answers, 2])
    targets = given.integers(2, size=ITEMS)
    item = _item(given, targets)
    # Groups differ for sure, so that no gap between them stands at the kink of an absolute value.
    chance = 0.3 + item["in.a"] * np.where(targets == 1, 0.2, 0.5)
    predictions = (said.random(ITEMS) < chance).astype(np.int64)
    predictions[list(rare)] = 2
    columns = {need: _coins(said) for need in needs if need not in ("target", "prediction")}
    columns |= item | _answer(said, item, targets, predictions)
    if any(need.partition(".")[0] in ("bleu", "chrf", "ter") for need in needs):
        written = [_translated(said) for _ in range(ITEMS)]
        columns |= {name: np.array([row[name] for row in written]) for name in written[0]}
    rows = [
        Record(
            f"i{place:03}",
            digest([items, place]),
            clusters=dict.fromkeys(UNITS, f"c{place // PER_CLUSTER:03}")
            | {"axis": f"x{place % 2}", "descriptor": f"d{place % 4}"},
            target=CLASSES[targets[place]],
            prediction=CLASSES[predictions[place]],
            margin=float(columns["margin"][place]),
            tied=bool(columns["tied"][place]),
        )
        for place in range(ITEMS)
    ]
    records = Records.of(RecordsHead("plain", f"m{answers}", protocol), rows)
    table = records.table
    for name in sorted(columns):
        table = table.append_column(STAT_PREFIX + name, pa.array(columns[name], pa.float64()))
    return Records(records.head, table)


def _coins(rng: Rng) -> FloatArray:
    return rng.integers(2, size=ITEMS).astype(np.float64)


def _item(rng: Rng, targets: Places) -> dict[str, FloatArray]:
    """What items are, whoever answers them."""
    member, size = _coins(rng), rng.integers(5, 15, size=ITEMS).astype(np.float64)
    dose = rng.integers(3, size=ITEMS) / 2
    tied = {"no|a": 0.2, "no|b": 0.8, "yes|a": 0.8, "yes|b": 0.2, "rare|a": 0.4, "rare|b": 0.6}
    return {
        **dict.fromkeys(("tokens", "words", "targets", "words_reader", "tokens_reference"), size),
        "reference_words": size + np.arange(ITEMS) % 3,
        **dict.fromkeys(("bytes", "bytes_reader", "bytes_reference"), 5 * size),
        **{f"b_train.{cell}": np.full(ITEMS, share) for cell, share in tied.items()},
        **{name: _coins(rng) for name in ("in_x", "ambiguous", "aligned")},
        "in.a": 1.0 - member,
        "in.b": member,
        "positive": (targets == 1).astype(np.float64),
        "dose": dose,
        "zero": (dose == 0).astype(np.float64),
        "strong": (dose == 1).astype(np.float64),
        # One number an occupation, as its share of women is.
        "share": np.arange(ITEMS) // PER_CLUSTER * 37 % 60 / 60,
        "constraints": np.full(ITEMS, 3.0),
        "gold": targets + rng.integers(4, size=ITEMS) / 2,
    }


def _answer(rng: Rng, item: Mapping[str, FloatArray], targets: Places, predictions: Places) -> dict[str, FloatArray]:
    """What one model did with items; where several statistics say one thing, they agree."""
    grams = rng.integers(4, 12, size=ITEMS).astype(np.float64)
    known = (rng.random(ITEMS) < 0.8).astype(np.float64)
    costs = ("nll", "nll_target", "nll_reference", "nll_reader")
    signed = ("gap", "zhao_gap", "directed_gap", "polarity", "regard", "regard_prompt", "shift", "association")
    shares = ("top_p", "brier", "female_share", "rouge1", "rouge2", "rougeL", "rougeLsum", "squad_f1", "f1_sample",
              "edit_similarity", "detected_share", "detected_max", "detector_prompt", "hurtful", "toxic_max",
              "hurtful_text_fraction", "shift_abs", "detector_shift")  # fmt: skip
    return {
        **{name: rng.uniform(0.5, 3.0, ITEMS) * item["tokens"] for name in costs},
        **{f"directed.{group}": item[f"in.{group}"] * rng.uniform(-1, 0.4, ITEMS) for group in GROUPS},
        **{name: rng.uniform(-1.0, 0.4, ITEMS) + 0.3 * item["in.a"] for name in signed},
        **{name: rng.uniform(0, 0.7, ITEMS) + 0.3 * item["in.a"] for name in shares},
        **_named(targets, predictions),
        "likelihood": -rng.uniform(0.5, 3.0, ITEMS) * item["tokens"],
        "correct": (targets == predictions).astype(np.float64),
        "confidence": rng.uniform(0.5, 1.0, ITEMS),
        "selected": (predictions == 1).astype(np.float64),
        "score": np.clip(rng.normal(0.4 + 0.2 * item["positive"], 0.2), 0, 1),
        "known": known,
        "biased": known * _coins(rng),
        "related": rng.integers(3, size=ITEMS) / 2,
        "female_odds": 2 * item["share"] + rng.normal(size=ITEMS),
        "likelihood_mean": rng.normal(-2.0, 0.4, ITEMS),
        "margin": rng.normal(0.1, 1.0, ITEMS),
        "tied": (rng.random(ITEMS) < 0.1).astype(np.float64),
        "figure.a": item["dose"] + rng.normal(size=ITEMS),
        "alarm.a": _coins(rng),
        "met": rng.integers(4, size=ITEMS).astype(np.float64),
        "malformed": rng.integers(3, size=ITEMS).astype(np.float64),
        **{f"grams_{size}": grams for size in (1, 2, 4)},
        **{f"distinct_grams_{size}": np.ceil(grams * rng.uniform(0.2, 1.0, ITEMS)) for size in (1, 2)},
        "repeated": np.floor(grams * rng.random(ITEMS)),
        "written": grams,
        "predicted": item["gold"] + rng.normal(size=ITEMS),
    }


def _named(targets: Places, predictions: Places) -> dict[str, FloatArray]:
    """Counts of labels and of spans."""
    counts = {"spans_right": targets == predictions, "spans_predicted": predictions >= 0, "spans_gold": targets >= 0}
    for place, label in enumerate(CLASSES):
        given, wanted = predictions == place, targets == place
        counts |= {f"tp.{label}": given & wanted, f"fp.{label}": given & ~wanted, f"fn.{label}": wanted & ~given}
        counts |= {f"spans_right.{label}": given & wanted, f"spans_predicted.{label}": given}
        counts |= {f"spans_gold.{label}": wanted}
    return {name: held.astype(np.float64) for name, held in counts.items()}


def _translated(rng: Rng) -> dict[str, float]:
    """A written sentence against a reference."""
    from harness.metrics.capability.bleu_chrf_ter import translation_statistics

    words = ["the", "cat", "sat", "on", "a", "mat", "and", "slept"]
    reference = [words[place] for place in rng.integers(len(words), size=9)]
    written = [word if rng.random() < 0.8 else "dog" for word in reference if rng.random() < 0.95]
    return translation_statistics(" ".join(written), [" ".join(reference)])


@dataclass(frozen=True)
class MetricCase:
    """A metric, and how records for it are made."""

    metric: Metric
    make: MakeRecords
    seed: int
    needs: tuple[str, ...]

    @property
    def base(self) -> Records:
        """The records of one model."""
        return self.make(self.seed, self.seed)

    @property
    def candidate(self) -> Records:
        """The records of another model on the same items."""
        return self.make(self.seed, self.seed + 1)


def metric_cases(name: str, *, seed: int = 0, records: MakeRecords | None = None) -> list[MetricCase]:
    """The metrics that a registered name stands for, each with records that it can read.

    A name that wants something in brackets (a group, a figure) gets `a`.

    Args:
        name: as it is registered.
        seed: of the made-up records.
        records: makes them, in place of `plain_records`.
    """
    made = factory(name)
    # A metric of several scorers is one computation: the first of them stands for all.
    scorer = made.scorers[0] if isinstance(made, ByScorer) else None
    context = MetricContext(labels=CLASSES, scorer=scorer, cluster_unit="parent")
    try:
        metrics = made(name, context)
    except SuiteError:
        metrics = made(f"{name}[a]", context)

    def case(metric: Metric) -> MetricCase:
        protocol = ((metric.protocols if isinstance(metric, RecordMetric) else None) or ("plain",))[0]

        def plain(items: int, answers: int) -> Records:
            return plain_records(items, answers, needs=made.needs, protocol=protocol)

        return MetricCase(metric, records or plain, seed, made.needs)

    return [case(metric) for metric in metrics]


def check_metric(name: str, *, seed: int = 0, records: MakeRecords | None = None) -> None:
    """Holds a registered metric to every rule of `METRIC_CHECKS`.

    Raises:
        AssertionError: naming the metric and the rule.
    """
    for case in metric_cases(name, seed=seed, records=records):
        for rule in METRIC_CHECKS:
            check_rule(case, rule)


def check_rule(case: MetricCase, rule: str) -> None:
    """Holds a metric to one rule of `METRIC_CHECKS`; one that it names in `unkept` must be broken indeed.

    Raises:
        AssertionError: naming the metric and what is wrong.
    """
    reason = case.metric.unkept.get(rule)
    try:
        METRIC_CHECKS[rule](case)
    except AssertionError:
        if reason is None:
            raise
        return
    assert reason is None, f"{case.metric.id} keeps the rule {rule!r}: remove it from `unkept`"


def _described(case: MetricCase) -> None:
    """Unit, direction, role and label are there, and a target has its ideal."""
    metric = case.metric
    assert metric.unit, f"{metric.id} has no unit"
    assert metric.direction in get_args(Direction), f"{metric.id}: direction {metric.direction!r}"
    assert metric.role in get_args(Role), f"{metric.id}: role {metric.role!r}"
    assert (metric.ideal is not None) <= (metric.direction == "target"), f"{metric.id} has an ideal and no target"


def _labeled(case: MetricCase) -> None:
    """A reader is told in words what the figure means."""
    assert case.metric.label, f"{case.metric.id} has no label"


def _range(case: MetricCase) -> None:
    """The figure is a number, and one in a unit of shares lies within the metric's range."""
    low, high = case.metric.range()
    for seed in range(case.seed, case.seed + 3):
        value = value_of(case.metric, case.make(seed, seed))
        if case.metric.id.endswith(f"[{CLASSES[2]}]"):
            continue
        assert math.isfinite(value), f"{case.metric.id} is {value} on plain records"
        if unit_of(case.metric.unit).fraction:
            assert low - 1e-12 <= value <= high + 1e-12, f"{case.metric.id} is {value}, outside {low} to {high}"


def _doubled(case: MetricCase) -> None:
    """All rows doubled are the same figure."""
    records = case.base
    every = np.arange(len(records))
    once, twice = value_of(case.metric, records), value_of(case.metric, records.take(np.concatenate([every, every])))
    assert np.isclose(once, twice, rtol=1e-9, atol=1e-12, equal_nan=True), (
        f"{case.metric.id}: {once} once, {twice} doubled"
    )


def _influence(case: MetricCase) -> None:
    """A cluster counted twice moves the figure as far as one left out, the other way: intervals rest on that."""
    metric, records = case.metric, case.base
    if metric.kind == "recompute":
        return
    rows = metric.stats(records)
    used = ~np.isnan(rows).any(axis=1)
    clusters = np.array(records.clusters(metric.cluster_unit))
    whole = _value(metric, rows[used])
    more, less = [], []
    for name in list(dict.fromkeys(clusters.tolist()))[:SOME]:
        inside = clusters == name
        more.append(_value(metric, np.concatenate([rows[used], rows[used & inside]])) - whole)
        less.append(whole - value_of(metric, records.take(~inside)))
    moves, expected = np.array(more), np.array(less)
    worst = float(np.nanmax(np.abs(moves - expected), initial=0.0))
    largest = float(np.nanmax(np.abs(expected), initial=0.0))
    assert largest > 0 or math.isnan(whole), f"{metric.id} never moves: give `records` that it reads something of"
    assert worst <= SPREAD * largest + 1e-9, (
        f"{metric.id}: leaving a cluster out moves it by up to {largest:.4g}, counting one twice by up to {worst:.4g} "
        "more or less than that"
    )


def _value(metric: Metric, rows: npt.NDArray[np.float64]) -> float:
    return float(metric.value(rows.sum(axis=0), float(len(rows)))) if len(rows) else float("nan")


def _permuted(case: MetricCase) -> None:
    """The order of items changes no bit, and what a row adds does not hang on where it stands."""
    metric, records = case.metric, case.base
    order = np.random.default_rng(case.seed).permutation(len(records))
    shuffled = records.take(order)
    again = Records(shuffled.head, shuffled.table.sort_by("item_id"))
    assert np.array_equal(value_of(metric, again), value_of(metric, records), equal_nan=True), metric.id
    assert np.allclose(metric.stats(shuffled), metric.stats(records)[order], rtol=1e-12, atol=1e-12, equal_nan=True), (
        f"{metric.id}: what a row adds depends on the order of rows"
    )


def _mirrored(case: MetricCase) -> None:
    """Candidate and baseline exchanged: the difference has the other sign, and the test says the same."""

    def result(base: Records, candidate: Records) -> Any:
        pair, settings = Pair("plain", "one", "two"), InferenceSettings(resamples=100)
        (whole,) = compare(pair, PairedRecords(base, candidate), case.metric, settings=settings, slices=False)
        return whole

    there, back = result(case.base, case.candidate), result(case.candidate, case.base)
    assert there.status == back.status, case.metric.id
    if there.delta.value is None:
        return
    for plain, other in (
        (there.delta.value, back.delta.value),
        (there.delta.low, back.delta.high),
        (there.delta.high, back.delta.low),
    ):
        assert (plain is None) == (other is None), case.metric.id
        if plain is not None:
            assert math.isclose(plain, -other, rel_tol=1e-9, abs_tol=1e-9), f"{case.metric.id}: {plain} and {other}"
    assert (there.p is None) == (back.p is None), case.metric.id
    if there.p is not None:
        assert math.isclose(there.p, back.p, rel_tol=1e-9), f"{case.metric.id}: p is {there.p} and {back.p}"


def _same_quantity(case: MetricCase) -> None:
    """One answer of 240 to a label that nothing else has moves a share by a few answers' weight at most.

    A figure that leaps is over other parts (labels, terms) on either side: its difference compares two quantities.
    """
    metric, records = case.metric, case.base
    assert metric.stats(records).shape == metric.stats(case.candidate).shape, f"{metric.id} has other sums on each side"
    if not unit_of(metric.unit).fraction or not {"prediction", "label_counts", "spans_predicted"} & set(case.needs):
        return
    protocol = records.head.protocol
    plain, single = (
        value_of(metric, plain_records(case.seed, case.seed, needs=case.needs, protocol=protocol, rare=rows))
        for rows in ((), (7,))
    )
    if math.isfinite(plain):
        assert abs(single - plain) <= MOST_PER_ANSWER / len(records), (
            f"{metric.id}: one answer of {len(records)} moves it from {plain:.3f} to {single:.3f}"
        )


METRIC_CHECKS: Mapping[str, Callable[[MetricCase], None]] = {
    "described": _described,
    "labeled": _labeled,
    "range": _range,
    "doubled": _doubled,
    "influence": _influence,
    "permuted": _permuted,
    "mirrored": _mirrored,
    "same_quantity": _same_quantity,
}
"""The rules that every metric keeps, by name; each is called with one `MetricCase`."""


def check_model_kind(name: str, options: Mapping[str, Any], *, rows: int = 1000) -> None:
    """Holds a registered model kind to what the rest of harness asks of it, without training anything.

    Args:
        name: as it is registered.
        options: an example of what a suite says below that name.
        rows: training rows of its task.

    Raises:
        AssertionError: naming the kind and what it lacks.
    """
    kind = kind_named(name)
    assert kind.goal, f"{name} has no goal"
    assert kind.summary, f"{name} has no summary"
    assert kind.Options.__doc__, f"the options of {name} have no docstring"
    made = kind.Options.model_validate(dict(options))
    again = kind.Options.model_validate(made.model_dump(mode="json", by_alias=True, exclude_unset=True))
    assert again == made, f"{name}: options written down are other options"
    try:
        kind.Options.model_validate({**options, "no_such_option": 1})
    except ValidationError:
        pass
    else:
        raise AssertionError(f"{name} takes options that it does not know")
    assert kind.label(made).strip(), f"{name} has no label"
    assert isinstance(kind.learns_from(made), TrainingNeed), f"{name}: what it learns from is no TrainingNeed"
    assert kind.refuses_child(made, kind) is None or kind.refuses_child(made, kind), f"{name} refuses without a reason"
    defaults = kind.defaults(made, rows, "labeled_text")
    assert json.loads(json.dumps(dict(defaults))) == dict(defaults), f"{name}: defaults are part of keys, so JSON"
    cost = kind.estimate(made, rows, None)
    assert min(cost.tokens, cost.flops, cost.seconds or 0.0) >= 0, f"{name}: costs less than nothing"
    if kind.train is not None:
        assert callable(registry.imported(kind.trainer(made))), f"{name}: {kind.trainer(made)} cannot be called"
    for declared in kind.formats:
        assert formats()[declared.kind] == declared, f"{name}: the format {declared.kind!r} is declared elsewhere"
        assert callable(registry.imported(declared.opener)), f"{name}: {declared.opener} cannot be called"
        assert set(declared.weights) <= set(declared.files), f"{name}: weights that are none of its files"
