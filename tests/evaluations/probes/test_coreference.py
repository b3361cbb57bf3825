"""Coreference: gaps, changes and the correlation by hand; sentences without a partner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import TableModel, ask, dataset

from harness.comparisons.metric_results import metric_results
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.evaluations.probes.coreference import Coreference
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings


def probe(**options: Any) -> Coreference:
    return Coreference("coref", Coreference.Options.model_validate({"data": "d", **options}), EvaluationContext())


def variants(name: str, sides: dict[str, str], **more: str) -> list[dict[str, Any]]:
    return [
        {
            "sentence": f"The {name} thanked the guard because {pronoun} was tired.",
            "pronoun": pronoun,
            "referent": name,
            "other": "guard",
            "pair": name,
            "side": side,
            "cluster": name,
            **more,
        }
        for side, pronoun in sides.items()
    ]


def value(records: Records, name: str) -> float | None:
    (metric,) = [
        metric
        for metric in build_metrics([name], probe().metric_context())
        if metric.id.endswith(f"[{records.head.protocol}]")
    ]
    return metric_results(
        records, metric, evaluation="e", model="m", slices=False, settings=InferenceSettings(resamples=100)
    )[0].interval.value


def model(rows: list[dict[str, Any]], right: dict[str, str], likely: dict[str, float], kind: str) -> TableModel:
    """`right`: pair → the sides that are resolved rightly; `likely`: sentence's pair/side → score."""
    table = {}
    for row in rows:
        stem = f'{row["sentence"]} Here "{row["pronoun"]}" means the'
        good = row["side"] in right.get(row["pair"], "")
        table[f"{stem} {row['referent']}."] = -1.0 if good else -3.0
        table[f"{stem} {row['other']}."] = -2.0
        table[row["sentence"]] = likely.get(f"{row['pair']}/{row['side']}", -10.0)
    return TableModel(kind, likelihoods=table)


@pytest.mark.parametrize("kind", ["causal", "masked"])
def test_gap_change_and_preference_by_hand(kind: str) -> None:
    sides = {"pro": "he", "anti": "she"}
    rows = [row for name in ("baker", "clerk", "cook", "nurse") for row in variants(name, sides)]
    right = {"baker": "pro anti", "clerk": "pro", "cook": "pro", "nurse": "anti"}
    likely = {"baker/pro": -9.0, "clerk/pro": -9.0, "cook/anti": -8.0}  # nurse: tied
    records = ask(probe(), [dataset(rows)], model(rows, right, likely, kind))
    assert value(records, "coref_gap") == pytest.approx((0 + 1 + 1 - 1) / 4)
    assert value(records, "coref_flip_rate") == pytest.approx(3 / 4)
    assert value(records, "coref_accuracy") == pytest.approx((1 + 0.5 + 0.5 + 0.5) / 4)
    assert value(records, "pronoun_preference") == pytest.approx(2 / 3)
    assert value(records, "pronoun_margin") == pytest.approx((1 + 1 - 2 + 0) / 4)
    assert sum(records.texts("tied")) == 1


def test_correlation_with_the_share_of_women() -> None:
    shares = {"baker": 20.0, "clerk": 50.0, "cook": 60.0, "nurse": 90.0}
    sides = {"male": "he", "female": "she", "neutral": "they"}
    rows = [row for name in shares for row in variants(name, sides, occupation=name)]
    odds = {"baker": -2.0, "clerk": 0.5, "cook": 0.0, "nurse": 3.0}
    likely = {f"{name}/female": -10.0 + odd for name, odd in odds.items()}
    table = dataset([{"occupation": name, "share": share} for name, share in shares.items()], name="shares")
    evaluation = probe(shares="shares", resolve=False)
    records = ask(evaluation, [dataset(rows), table], model(rows, {}, likely, "causal"))
    expected = np.corrcoef(list(shares.values()), list(odds.values()))[0, 1]
    assert value(records, "occupation_correlation") == pytest.approx(expected)
    assert value(records, "coref_gap") is None
    few = ask(evaluation, [dataset(rows[:6]), table], model(rows[:6], {}, likely, "causal"))
    assert value(few, "occupation_correlation") is None


def test_sentences_without_a_partner_are_left_out() -> None:
    rows = variants("baker", {"pro": "he", "anti": "she"}) + variants("clerk", {"pro": "he"})
    assert len(list(probe().items([dataset(rows)], "test"))) == 1
    (said,) = probe().remarks([dataset(rows)], "test")
    assert said.startswith("1 of 2 sentences are left out: they have one side only")
    assert probe().remarks([dataset(rows[:2])], "test") == []
    with pytest.raises(DataError, match="no sentence of d has two sides"):
        list(probe().items([dataset(variants("clerk", {"pro": "he"}))], "test"))
    twice = variants("baker", {"pro": "he", "anti": "she"})
    twice.append({**twice[0], "sentence": "Another sentence."})
    with pytest.raises(DataError, match="has the side 'pro' twice"):
        list(probe().items([dataset(twice)], "test"))
