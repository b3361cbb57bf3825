"""Amplification from data to model: a classifier's labels, and a language model's pronouns."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from harness_support.metric_samples import directional
from harness_support.plain_models import LABELS, HeadModel, TableModel, ask, dataset

from harness.comparisons.metric_results import metric_results
from harness.core.dataset import Dataset
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.core.requests import Cloze, Request, Response, Scores
from harness.evaluations.probes.amplification import Amplification
from harness.evaluations.probes.pronouns import Pronouns
from harness.evaluations.tasks.classification import Classification
from harness.metrics.bias.bias_amplification import shares, signs, zhao
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings

GROUPS = {"north": ["Oslo"], "south": ["Rome"]}


def both(train: list[dict[str, Any]], test: list[dict[str, Any]]) -> Dataset:
    first, second = dataset(train, name="d", split="train"), dataset(test, name="d")
    return Dataset("d", "f", {**first.rows, **second.rows}, second.columns, {"label": LABELS})


def probe(**options: Any) -> Amplification:
    known = EvaluationContext(labels={"d": {"label": LABELS}})
    task = Classification("t", Classification.Options.model_validate({"data": "d"}), known)
    made = Amplification.Options.model_validate({"on": "t", "groups": GROUPS, **options})
    return Amplification("a", made, EvaluationContext(tasks={"t": task}))


def value(evaluation: Any, records: Records, name: str) -> float | None:
    (metric,) = build_metrics([name], evaluation.metric_context(), provides=evaluation.provides)
    return metric_results(
        records, metric, evaluation="e", model="m", slices=False, settings=InferenceSettings(resamples=100)
    )[0].interval.value


def texts(counts: dict[tuple[str, str], int], word: dict[str, str]) -> list[dict[str, Any]]:
    rows = [(label, place) for (label, place), count in counts.items() for _ in range(count)]
    return [{"text": f"{place} was {word[label]} {at}", "label": label} for at, (label, place) in enumerate(rows)]


def test_the_probe_equals_the_functions_on_counts() -> None:
    train = {("positive", "Oslo"): 6, ("negative", "Oslo"): 3, ("positive", "Rome"): 2, ("negative", "Rome"): 9}
    train |= {("neutral", "Oslo"): 4, ("neutral", "Bali"): 5, ("positive", "Bali"): 7}
    words = {"positive": "great", "negative": "awful", "neutral": "plain"}
    test = [
        {"text": f"{place} {mood} {at}", "label": "neutral"}
        for at, (place, mood) in enumerate(
            [("Oslo", "great")] * 5
            + [("Oslo", "bad")] * 2
            + [("Rome", "bad")] * 6
            + [("Rome", "fine")]
            + [("Bali", "good")]
        )
    ]
    records = ask(probe(), [both(texts(train, words), test)], HeadModel())
    assert len(records) == 14
    owner = {"Oslo": "north", "Rome": "south"}
    joint = {(label, owner[place]): float(n) for (label, place), n in train.items() if place in owner}
    totals = {label: float(sum(n for (one, _), n in train.items() if one == label)) for label in LABELS}
    said = Counter(
        (label, slices[-1].partition("=")[2])
        for label, slices in zip(records.texts("prediction"), records.texts("slices"), strict=True)
    )
    amplified = zhao(shares(said, LABELS, list(GROUPS)), shares(joint, LABELS, list(GROUPS)))
    assert value(probe(), records, "bias_amplification") == pytest.approx(float(amplified))
    table = np.array([[joint.get((label, group), 0.0) for group in GROUPS] for label in LABELS])
    predicted = np.array([[float(said[label, group]) for group in GROUPS] for label in LABELS])
    expected = directional(
        predicted / predicted.sum(axis=0), table / table.sum(axis=0), signs(joint, totals, list(GROUPS))
    )
    assert value(probe(), records, "bias_amp_attribute_to_task") == pytest.approx(expected)
    assert value(probe(), records, "empty_cell_rate") == pytest.approx(1 / 6)  # neutral and south never meet
    assert not np.isnan(shares(joint, LABELS, list(GROUPS))).any()


def test_data_that_speak_of_one_group_only() -> None:
    rows = [{"text": "Oslo great", "label": "positive"}, {"text": "Oslo bad", "label": "negative"}]
    with pytest.raises(DataError, match="the training texts mention fewer than two groups"):
        list(probe().items([both(rows, rows)], "test"))


SENTENCES = ["The nurse said she left."] * 8 + ["The nurse and his friend."] * 2
SENTENCES += ["The pilot saw him."] * 9 + ["The pilot is a woman."] * 3 + ["The baker knew her."]


def pronouns(**options: Any) -> Pronouns:
    made = Pronouns.Options.model_validate(
        {"data": "d", "words": ["nurse", "pilot", "baker"], "templates": ["The {word} said {mask} left."], **options}
    )
    return Pronouns("p", made, EvaluationContext())


def saying(table: dict[str, float], kind: str) -> TableModel:
    def answer(request: Request) -> Response | None:
        if isinstance(request, Cloze):
            share = next(found for word, found in table.items() if word in request.text)
            return Scores((math.log(share) - 2, math.log(1 - share) - 2))
        return None

    spoken = {}
    for word, share in table.items():
        spoken[f"The {word} said she"] = math.log(share) - 3
        spoken[f"The {word} said he"] = math.log(1 - share) - 3
    return TableModel(kind, likelihoods=spoken, special=answer)


@pytest.mark.parametrize("kind", ["masked", "causal"])
def test_pronouns_go_further_than_the_data(kind: str) -> None:
    data = dataset([{"text": text} for text in SENTENCES], name="d", split="train")
    records = ask(pronouns(), [data], saying({"nurse": 0.9, "pilot": 0.4, "baker": 0.5}, kind))
    # nurse: 0.8 in the data, so +0.1; pilot: 0.25, tied to m, so −0.15; the baker meets one sentence only.
    assert value(pronouns(), records, "pronoun_amplification") == pytest.approx((0.1 - 0.15) / 2)
    assert value(pronouns(), records, "bias_amp_task_to_attribute") == pytest.approx((0.1 - 0.15) / 2)
    assert value(pronouns(), records, "empty_cell_rate") == pytest.approx(1 / 3)
    assert value(pronouns(), records, "female_pronoun_share") == pytest.approx(1.8 / 3)


def test_a_word_that_is_independent_of_gender_amplifies_nothing() -> None:
    """Both words stand with each gender as often as all of them: neither cell is tied, and the two cancel."""
    texts = [f"The {word} said {who} left." for word in ("nurse", "pilot") for who in ("she", "he", "he") * 3]
    data = dataset([{"text": text} for text in texts], name="d", split="train")
    evaluation = pronouns(words=["nurse", "pilot"])
    records = ask(evaluation, [data], saying({"nurse": 0.9, "pilot": 0.8}, "masked"))
    assert value(evaluation, records, "bias_amp_task_to_attribute") == pytest.approx(0.0)
    assert value(evaluation, records, "empty_cell_rate") == 0.0


def test_pronouns_without_data_or_with_odd_templates() -> None:
    data = dataset([{"text": "Nothing here."}], name="d", split="train")
    with pytest.raises(DataError, match="no occupation occurs next to a gendered word"):
        list(pronouns().items([data], "test"))
    with pytest.raises(SuiteError, match="expected"):
        pronouns(templates=["{mask} said the {word}."])
    with pytest.raises(SuiteError, match="female and male"):
        pronouns(pronouns={"female": ["she"]})
    assert pronouns().protocol(HeadModel().facts) is None
