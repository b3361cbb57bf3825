"""Metrics of the `evaluate` library: from a folder, with labels as numbers, and our own as its modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import DataError, SuiteError
from harness.core.interfaces import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics import as_evaluate_module, build_metrics
from harness.metrics.outside import OutsideMetric

MODULE = """
import datasets
import evaluate


class Share(evaluate.Metric):
    def _info(self):
        features = {"predictions": datasets.Value("int32"), "references": datasets.Value("int32")}
        return evaluate.MetricInfo(
            description="d", citation="", inputs_description="", features=datasets.Features(features)
        )

    def _compute(self, predictions, references):
        right = sum(one == other for one, other in zip(predictions, references))
        return {"share": right / len(references), "largest": max(predictions)}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    (tmp_path / "my_share").mkdir()
    (tmp_path / "my_share" / "my_share.py").write_text(MODULE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def records(*pairs: tuple[str | None, str]) -> Records:
    rows = [Record(f"{place}", "d", target=target, prediction=given) for place, (given, target) in enumerate(pairs)]
    return Records.of(RecordsHead("e", "m", "head"), rows)


@pytest.mark.usefixtures("folder")
def test_a_module_of_a_folder_gets_labels_as_numbers() -> None:
    context = MetricContext(labels=("no", "yes", "maybe"))
    found = build_metrics(
        ["evaluate:./my_share", "evaluate:./my_share#largest"], context, provides=("target", "prediction")
    )
    share, largest = found
    assert isinstance(share, OutsideMetric)
    assert isinstance(largest, OutsideMetric)
    assert (share.id, largest.id, share.kind) == ("evaluate:my_share", "evaluate:my_share#largest", "recompute")
    some = records(("yes", "yes"), ("maybe", "no"), (None, "no"))
    assert share.recompute(some) == 0.5
    assert largest.recompute(some) == 2.0
    with pytest.raises(DataError, match="could not be computed"):
        share.recompute(records(("no label", "yes")))


def test_code_of_the_hub_needs_a_commit_and_a_missing_folder_is_said() -> None:
    with pytest.raises(SuiteError, match="without a pinned commit"):
        build_metrics(["evaluate:accuracy"], MetricContext())
    with pytest.raises(SuiteError, match="cannot be loaded"):
        build_metrics(["evaluate:./nothing_here"], MetricContext())


def test_our_metrics_are_modules_too() -> None:
    module = as_evaluate_module("answer_f1")
    assert module.compute(predictions=["a red cat"], references=[["cat", "red cat"]]) == {"answer_f1": 1.0}
    assert as_evaluate_module("bleu").compute(predictions=["a b c d"], references=[["a b c d"]])[
        "bleu"
    ] == pytest.approx(100)
    with pytest.raises(SuiteError, match="no metric of a text"):
        as_evaluate_module("accuracy")
