"""Metrics of the `evaluate` library: pinned, from a folder, with labels as numbers, and our own as its modules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.core.errors import DataError, SuiteError
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.as_hf_module import as_evaluate_module
from harness.metrics.build_metrics import build_metrics
from harness.metrics.hf_evaluate import OutsideMetric, left_out_note, outside_code, outside_files, outside_note
from harness.schema.results.inputs import EvaluationResult

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
    """A folder with the module, which writes a file when its code runs."""
    monkeypatch.setenv("HF_METRICS_CACHE", str(tmp_path / "metrics"))
    (tmp_path / "my_share").mkdir()
    (tmp_path / "my_share" / "my_share.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + MODULE, "utf-8")
    return tmp_path


def pinned(folder: Path, key: str = "") -> str:
    """The name of the module with its digest, as the error without one tells."""
    with pytest.raises(SuiteError, match="without a pin") as error:
        outside_files(f"evaluate:./my_share{key}", folder)
    (name,) = re.findall(r'"(evaluate:[^"]+)"', error.value.hint or "")
    return str(name)


def records(*pairs: tuple[str | None, str]) -> Records:
    rows = [Record(f"{place}", "d", target=target, prediction=given) for place, (given, target) in enumerate(pairs)]
    return Records.of(RecordsHead("e", "m", "head"), rows)


def result(*metrics: str) -> EvaluationResult:
    return EvaluationResult(
        name="e", role="task", kind="k", summary="", data=[], split="test", n=1, metrics=list(metrics)
    )


def test_a_module_of_a_folder_gets_labels_as_numbers(folder: Path) -> None:
    names = [pinned(folder), pinned(folder, "#largest")]
    files = {name: outside_files(name, folder) for name in names}
    assert not (folder / "ran").exists()
    with outside_code(files) as code:
        context = MetricContext(labels=("no", "yes", "maybe"), code=code)
        share, largest = build_metrics(names, context, provides=("target", "prediction"))
        assert isinstance(share, OutsideMetric)
        assert isinstance(largest, OutsideMetric)
        assert (share.id, largest.id, share.kind) == ("evaluate:my_share", "evaluate:my_share#largest", "recompute")
        some = records(("yes", "yes"), ("maybe", "no"), (None, "no"))
        assert share.recompute(some) == 0.5
        assert largest.recompute(some) == 2.0
        with pytest.raises(DataError, match="could not be computed"):
            share.recompute(records(("no label", "yes")))
    assert (folder / "ran").exists()


def test_a_name_alone_makes_a_stand_in_and_runs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names = [
        "evaluate:./my_share",
        f"evaluate:{folder}/my_share#largest",
        pinned(folder),
        "evaluate:accuracy@" + "0" * 40,
    ]
    for name in names:
        (metric,) = build_metrics([name], MetricContext())
        assert isinstance(metric, OutsideMetric)
        with pytest.raises(SuiteError, match="does not load") as error:
            metric.recompute(records(("yes", "yes")))
        assert "--allow-metric-code" in (error.value.hint or "")
    assert not (folder / "ran").exists()
    with pytest.raises(SuiteError, match="path of a module"):
        build_metrics(["evaluate:"], MetricContext())


def test_only_a_pinned_path_is_taken(folder: Path) -> None:
    name = pinned(folder)
    for other in ("evaluate:accuracy", f"evaluate:accuracy@{'0' * 40}", f"evaluate:owner/name@sha256:{'0' * 64}"):
        with pytest.raises(SuiteError, match="no metric code is fetched"):
            outside_files(other, folder)
    with pytest.raises(SuiteError, match="cannot read"):
        outside_files("evaluate:./nothing_here", folder)
    with pytest.raises(SuiteError, match="ends in the module's name"):
        outside_files("evaluate:./my_share/..", folder)
    with pytest.raises(SuiteError, match="64 hexadecimal digits"):
        outside_files("evaluate:./my_share@sha256:abc", folder)
    (folder / "my_share" / "helper.py").write_text("", "utf-8")
    with pytest.raises(SuiteError, match="changed since it was pinned") as error:
        outside_files(name, folder)
    assert pinned(folder) in (error.value.hint or "")
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import missing_thing", "ModuleNotFoundError"),
        ("import evaluate\nfrom evaluate import Metric", "has no evaluate.Metric"),
        ("import evaluate\nclass Bad(evaluate.Metric):\n    def _info(self): return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_module_that_is_none_is_said(folder: Path, code: str, said: str) -> None:
    (folder / "my_share" / "my_share.py").write_text(code, "utf-8")
    name = pinned(folder)
    with pytest.raises(SuiteError, match=said), outside_code({name: outside_files(name, folder)}):
        pass


def test_notes_name_what_outside_code_computed() -> None:
    assert outside_note([result("accuracy")]) is None
    assert left_out_note([result("accuracy")], "this") is None
    old, new = "evaluate:/somewhere/my_share#largest", f"evaluate:./my_share@sha256:{'ab' * 32}"
    note = outside_note([result("accuracy", old, new)])
    assert note is not None
    assert "e.evaluate:my_share#largest (not pinned), e.evaluate:my_share (SHA-256 abababababab…)" in note
    assert "stored values are used" in note
    left = left_out_note([result(new)], "the comparison of two runs")
    assert left == "skipping e.evaluate:my_share: the comparison of two runs runs no metric code."


def test_our_metrics_are_modules_too() -> None:
    module = as_evaluate_module("squad_f1")
    assert module.compute(predictions=["a red cat"], references=[["cat", "red cat"]]) == {"squad_f1": 1.0}
    assert as_evaluate_module("bleu").compute(predictions=["a b c d"], references=[["a b c d"]])[
        "bleu"
    ] == pytest.approx(100)
    with pytest.raises(SuiteError, match="not a metric of a text"):
        as_evaluate_module("accuracy")
