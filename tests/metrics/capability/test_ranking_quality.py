"""Figures of rankings against pytrec_eval's, ties included (tests/fixtures/trec_eval)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.errors import SuiteError
from harness.core.metric import MetricContext
from harness.evaluations.tasks.ranking.collection import ordered_pool
from harness.metrics.build_metrics import build_metrics
from harness.metrics.capability.ranking_quality import ranking_statistics
from harness.models.response_builders import best_documents

PAGE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "fixtures" / "trec_eval" / "expected.json").read_text())
DEPTHS = (1, 3, 5, 7, 10, 100)
NAMES = {"ndcg": "ndcg_cut", "recall": "recall", "precision": "P"}


def ranked(run: dict[str, float]) -> list[str]:
    """As a task and a model rank together: the pool by id, then the scores as 32-bit floats."""
    _, ids = ordered_pool({name: name for name in run})
    return [ids[place] for place in best_documents(np.array([run[name] for name in ids]), len(ids)).places]


@pytest.mark.parametrize("query", sorted(PAGE["qrels"]))
def test_every_query_has_the_figures_of_pytrec_eval(query: str) -> None:
    made = ranking_statistics(ranked(PAGE["run"][query]), PAGE["qrels"][query], DEPTHS)
    expected = PAGE["expected"][query]
    for ours, theirs in NAMES.items():
        for depth in DEPTHS:
            assert made[f"{ours}.{depth}"] == pytest.approx(expected[f"{theirs}_{depth}"], abs=1e-12), (ours, depth)
    assert made["average_precision"] == pytest.approx(expected["map"], abs=1e-12)
    assert made["mrr.100"] == pytest.approx(expected["recip_rank"], abs=1e-12)


def test_a_depth_stands_in_brackets() -> None:
    bare, deep = build_metrics(["ndcg_at_k", "ndcg_at_k[3]"], MetricContext(cluster_unit="parent"))
    assert (bare.id, deep.id) == ("ndcg_at_k[10]", "ndcg_at_k[3]")
    for wrong in ("recall_at_k[0]", "recall_at_k[x]", "recall_at_k[1001]"):
        with pytest.raises(SuiteError, match="expected a number of documents from 1 to 1000"):
            build_metrics([wrong], MetricContext())
