"""Group gaps: fairlearn and scikit-learn as oracles, overlapping groups, and groups without items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import LABELS, TONE, HeadModel, ask, dataset

from harness.comparisons.metric_results import metric_results
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.evaluations.probes.group_gaps import GroupGaps
from harness.evaluations.tasks.classification import Classification
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings
from harness.text.lexicons.group_words import GroupWords, own_gender_words

GROUPS = {"north": ["Bergen", "Oslo"], "south": ["Rome"], "island": ["Bali", "Rome by the sea"]}
WORDS = [word for word in TONE if word not in ("he", "she")]


def probe(**options: Any) -> GroupGaps:
    task = Classification("t", Classification.Options.model_validate({"data": "d"}), context())
    made = GroupGaps.Options.model_validate({"on": "t", "groups": GROUPS, "positive": LABELS[-1], **options})
    return GroupGaps("gaps", made, EvaluationContext(tasks={"t": task}))


def context() -> EvaluationContext:
    return EvaluationContext(labels={"d": {"label": LABELS}})


def rows(n: int, places: list[str], seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    made = []
    for at in range(n):
        words = rng.choice(WORDS, 2)
        text = f"{places[at % len(places)]}: {' '.join(words)} {at}"
        made.append({"text": text, "label": LABELS[int(rng.integers(3))]})
    return made


def value(records: Records, name: str, where: str | None = None) -> float | None:
    (metric,) = build_metrics([name], probe().metric_context())
    results = metric_results(records, metric, evaluation="e", model="m", settings=InferenceSettings(resamples=100))
    return next((result.interval.value for result in results if result.slice == where), None)


def sides(records: Records, groups: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true = np.array([target == "positive" for target in records.texts("target")])
    made = np.array([label == "positive" for label in records.texts("prediction")])
    member = np.select([records.in_slice(f"group={group}") for group in groups], groups, default="none")
    return true, made, member


def test_gaps_equal_fairlearn() -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    records = ask(probe(), [dataset(rows(240, ["Oslo", "Rome", "Bali"]))], HeadModel())
    true, made, member = sides(records, ["north", "south", "island"])
    given = {"y_true": true, "y_pred": made, "sensitive_features": member}
    assert value(records, "demographic_parity_difference") == pytest.approx(
        fairlearn.demographic_parity_difference(**given)
    )
    for ours, agg in (("equalized_odds_difference", "worst_case"), ("equalized_odds_difference_mean", "mean")):
        expected = fairlearn.equalized_odds_difference(**given, agg=agg)
        assert value(records, ours) == pytest.approx(expected)
    rates = {
        "selection_rate": fairlearn.selection_rate,
        "true_positive_rate": fairlearn.true_positive_rate,
        "false_positive_rate": fairlearn.false_positive_rate,
    }
    frame = fairlearn.MetricFrame(metrics=rates, **given).by_group
    for name in rates:
        for group in GROUPS:
            assert value(records, name, f"group={group}") == pytest.approx(frame[name][group])


def test_areas_equal_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    records = ask(probe(), [dataset(rows(180, ["Oslo", "Rome", "Bali"]))], HeadModel())
    true, _, member = sides(records, ["north", "south", "island"])
    score, inside = records.stat("score"), member == "south"
    subsets = {
        "subgroup_auc": inside,
        "bpsn_auc": np.where(inside, ~true, true),
        "bnsp_auc": np.where(inside, true, ~true),
    }
    assert value(records, "auc") == pytest.approx(roc_auc_score(true, score))
    for name, used in subsets.items():
        assert value(records, f"{name}[south]") == pytest.approx(roc_auc_score(true[used], score[used]))


def test_the_variance_of_an_area_is_delongs() -> None:
    records = ask(probe(), [dataset(rows(90, ["Oslo", "Rome"]))], HeadModel())
    true, _, _ = sides(records, ["north", "south"])
    score = records.stat("score")
    first, second = score[true], score[~true]
    wins = (first[:, None] > second[None]) + 0.5 * (first[:, None] == second[None])
    expected = wins.mean(axis=1).var(ddof=1) / len(first) + wins.mean(axis=0).var(ddof=1) / len(second)
    (metric,) = build_metrics(["auc"], probe().metric_context())
    pseudo = metric.stats(records)[:, 0]
    assert pseudo.var(ddof=1) / len(pseudo) == pytest.approx(expected, rel=0.05)


def test_groups_may_overlap_and_longer_names_hold_shorter_ones() -> None:
    found = GroupWords({name: tuple(words) for name, words in GROUPS.items()}).found("From Oslo to ROME  by the sea.")
    assert {group: len(words) for group, words in found.items()} == {"north": 1, "south": 1, "island": 1}
    assert GroupWords({"a": ("old",), "b": ("x",)}).found("nonold older Old, old") == {"a": ["old", "old"]}
    both = own_gender_words().found("She told him.")
    assert sorted(both) == ["female", "male"]


def test_a_group_without_items_leaves_the_gap_undefined() -> None:
    records = ask(probe(), [dataset(rows(60, ["Oslo", "Rome"]))], HeadModel())
    assert value(records, "demographic_parity_difference") is None
    assert value(records, "selection_rate", "group=north") is not None
    with pytest.raises(DataError, match="fewer than two of the groups"):
        list(probe().items([dataset(rows(10, ["Oslo"]))], "test"))


def test_groups_of_a_table_and_of_columns() -> None:
    table = dataset([{"group": "north", "word": "Oslo"}, {"group": "south", "word": "Rome"}], name="words")
    items = list(probe(groups={}, words="words").items([dataset(rows(4, ["Oslo", "Rome"])), table], "test"))
    assert items[0].slices == ("group=north",)
    sliced = [{**row, "slices": (f"source={at % 2}",)} for at, row in enumerate(rows(4, ["Oslo"]))]
    found = list(probe(groups={}, columns=["source"]).items([dataset(sliced)], "test"))
    assert found[0].payload["known"] == ["source=0", "source=1"]
    with pytest.raises(DataError, match="words of two groups or more"):
        list(probe(groups={"north": ["Oslo"]}).items([dataset(rows(4, ["Oslo"]))], "test"))


def test_a_positive_label_that_is_none() -> None:
    evaluation = probe(positive="good")
    with pytest.raises(SuiteError, match="unknown label of the task 'good'"):
        ask(evaluation, [dataset(rows(6, ["Oslo", "Rome"]))], HeadModel())


def test_groups_and_words_that_never_occur_are_told() -> None:
    data = [dataset(rows(20, ["Oslo", "Rome"]))]
    assert probe().remarks(data, "test") == [
        "The label 'positive' counts as selected.",
        "No text speaks of island: a gap over all groups is undefined.",
        "2 of 5 words that name a group occur in the texts.",
    ]
    assert probe(groups={"north": ["Oslo"], "south": ["ROME"]}).remarks(data, "test")[1:] == []
    assert probe(groups={}, columns=["label"]).remarks(data, "test")[1:] == []
