"""lighteval's own logs (`make_logs/lighteval`), of its layouts, and what odd ones say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness_support.imported_logs import LOGS, imported_metrics

from harness.cli.app import invoke
from harness.commands.imported_runs.import_logs import importer
from harness.core.errors import DataError


def totals(log: str, model: str) -> dict[str, dict[str, float]]:
    (file,) = (LOGS / log / model).glob("results/*/*.json")
    results: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8"))["results"]
    return results


def means(log: str, model: str) -> dict[str, dict[str, float]]:
    (read,) = importer("lighteval").read(LOGS / log / model, {})
    figures: dict[str, dict[str, float]] = {}
    for task, evaluation in read.evaluations.items():
        names = {name for answer in evaluation.answers for name in answer.figures}
        figures[task] = {
            name: sum(answer.figures[name] for answer in evaluation.answers) / len(evaluation.answers) for name in names
        }
    return figures


@pytest.mark.parametrize("model", ["base", "tuned"])
@pytest.mark.parametrize("log", ["lighteval", "lighteval_old"])
def test_means_are_lightevals_own(log: str, model: str) -> None:
    theirs = totals(log, model)
    ours = means(log, model)
    assert set(ours) == {task for task in theirs if "_average" not in task and task != "all"}
    compared = 0
    for task, figures in ours.items():
        for name, value in figures.items():
            if name != "gold_logprob":
                assert value == pytest.approx(theirs[task][name], abs=1e-12), (task, name)
                compared += 1
    assert compared >= 5


def test_choices_are_computed_again_from_log_probabilities(tmp_path: Path) -> None:
    metrics = imported_metrics(
        ["lighteval", f"base={LOGS}/lighteval_old/base", f"tuned={LOGS}/lighteval_old/tuned"], tmp_path
    )
    assert {(model, metric) for model, task, metric in metrics if task == "community-sums-single-0"} >= {
        ("base", "exact_match_strict"),
        ("tuned", "as_logged[gold_logprob]"),
    }
    # Half of twelve questions are right, with -0.25 for the chosen one and -1 for the others.
    single = metrics["base", "community-sums-single-0", "as_logged[gold_logprob]"]
    assert single.interval.value == pytest.approx((6 * -0.25 + 6 * -1.0) / 12)


def test_averages_over_answers_are_repeats_and_corpus_figures_are_named(tmp_path: Path) -> None:
    logs = [f"{name}={LOGS}/lighteval/{name}" for name in ("base", "tuned")]
    metrics = imported_metrics(["lighteval", *logs], tmp_path)
    several = metrics["tuned", "sums-several-0", "exact_match_strict"]
    assert (several.n, several.clusters) == (36, 12)
    assert several.interval.value == pytest.approx(totals("lighteval", "tuned")["sums:several|0"]["avg@n:n=3"])
    (read,) = importer("lighteval").read(LOGS / "lighteval" / "base", {})
    assert len(read.evaluations["sums:passed|0"].answers) == 12
    assert any("figures are of all of them together: 12" in note for note in read.evaluations["sums:passed|0"].notes)
    assert any("bleu 0" in note for note in read.evaluations["sums:written|0"].notes)
    # One document is asked in two ways here: written and by likelihood.
    assert {tuple(sorted(answer.figures)) for answer in read.evaluations["sums:chosen|0"].answers} == {
        ("acc", "em", "gold_logprob")
    }


def details(folder: Path, rows: list[dict[str, Any]], date: str = "2026-01-01T00-00-00.1") -> Path:
    file = folder / "details" / "org" / "model" / date / f"details_t|0_{date}.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def row(n: int, metric: dict[str, Any], **response: Any) -> dict[str, Any]:
    doc = {"query": f"{n}?", "choices": ["a", "b"], "gold_index": [0], "id": str(n)}
    return {"doc": doc, "metric": metric, "model_response": {"text": ["a"], "logprobs": [], **response}}


def test_texts_of_values_as_old_versions_wrote_them(tmp_path: Path) -> None:
    rows = [
        {
            "example": f"[{n}] plus?",
            "choices": "['a', 'b']",
            "gold": "[]",
            "gold_index": "[0]",
            "predictions": "[(-0.5, True), (-0.25, False)]",
            "metrics": "{'acc': np.float64(0.0), 'ece': nan}",
        }
        for n in range(4)
    ]
    (read,) = importer("lighteval").read(details(tmp_path, rows), {})
    (evaluation,) = read.evaluations.values()
    assert read.model == "org/model"
    assert [(answer.text, answer.answer, answer.targets) for answer in evaluation.answers][:1] == [
        ("[0] plus?", "b", ("a",))
    ]
    assert evaluation.answers[0].figures == {"acc": 0.0, "gold_logprob": -0.5}


def test_other_items_odd_values_and_repeats(tmp_path: Path) -> None:
    base = [row(n, {"acc": True, "none": None}) for n in range(8)]
    tuned = [row(n, {"acc": n != 3, "none": None}) for n in (*range(2, 10), 2)]
    files = [details(tmp_path / name, rows) for name, rows in (("b", base), ("t", tuned))]
    metrics = imported_metrics(["lighteval", f"base={files[0]}", f"tuned={files[1]}"], tmp_path / "out")
    (accuracy,) = [entry for (model, _, _), entry in metrics.items() if model == "tuned"]
    assert (accuracy.n, accuracy.clusters) == (9, 8)


def test_the_newest_run_of_a_folder_is_read(tmp_path: Path) -> None:
    details(tmp_path, [row(n, {"acc": 1}) for n in range(4)])
    details(tmp_path, [row(n, {"acc": 0}) for n in range(4)], date="2026-02-01T00-00-00.1")
    (read,) = importer("lighteval").read(tmp_path, {})
    (evaluation,) = read.evaluations.values()
    assert [answer.figures["acc"] for answer in evaluation.answers] == [0.0] * 4
    assert "left out: 1" in evaluation.notes[0]


def test_a_total_that_no_mean_gives_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = tmp_path / "base"
    shutil.copytree(LOGS / "lighteval_old" / "base", changed)
    (results,) = changed.glob("results/*/*.json")
    page = json.loads(results.read_text("utf-8"))
    page["results"]["community|sums:single|0"]["acc"] = 0.75
    results.write_text(json.dumps(page), "utf-8")
    tuned = LOGS / "lighteval_old" / "tuned"
    assert invoke(["import", "lighteval", f"base={changed}", f"tuned={tuned}", "--out", str(tmp_path / "o")]) == 2
    assert "the log says acc 0.75; its 12 answers give 0.5" in capsys.readouterr().err


def test_what_is_no_details_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no details of lighteval"):
        importer("lighteval").read(tmp_path / "empty", {})
    pq.write_table(pa.Table.from_pylist([{"text": "a"}]), tmp_path / "details_t_2026-01-01T00-00-00.parquet")
    with pytest.raises(DataError, match="columns doc, metric, model_response"):
        importer("lighteval").read(tmp_path, {})
    (tmp_path / "details_t_2026-01-01T00-00-00.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError):
        importer("lighteval").read(tmp_path, {})
