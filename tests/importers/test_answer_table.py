from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.commands.imported_runs.import_logs import LogSource, import_logs, importer
from harness.core.errors import DataError
from harness.core.reporter import Silent


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def results(folder: Path, texts: dict[str, str], options: dict[str, str] | None = None) -> Any:
    sources = [LogSource.of(f"{name}={written(folder, f'{name}.csv', text)}") for name, text in texts.items()]
    run = import_logs("table", sources, options or {}, suite="t", out=folder / "out", reporter=Silent())
    return run.read_results()


def metrics(folder: Path, texts: dict[str, str], options: dict[str, str] | None = None) -> dict[tuple[str, str], Any]:
    entries = results(folder, texts, options).metrics
    return {(entry.model, entry.metric): entry.interval.value for entry in entries if not entry.slice}


def test_answers_without_figures_are_matched_with_their_targets(tmp_path: Path) -> None:
    header = "id,text,target,answer\n"
    values = metrics(
        tmp_path,
        {
            "base": header + "".join(f"{n},q{n},yes,{'yes' if n % 2 else 'no'}\n" for n in range(10)),
            "tuned": header + "".join(f"{n},q{n},yes,yes\n" for n in range(10)),
        },
    )
    assert values == {("base", "exact_match_strict"): 0.5, ("tuned", "exact_match_strict"): 1.0}


def test_figures_repeats_slices_and_directions(tmp_path: Path) -> None:
    rows = "qid;run;wer;kind\n" + "".join(f"{n};{r};{0.1 * (n % 4) + r / 10};{'a' if n < 5 else 'b'}\n"
                                           for n in range(10) for r in (1, 2))  # fmt: skip
    options = {"id": "qid", "epoch": "run", "figures": "wer", "lower": "wer", "slices": "kind", "delimiter": ";"}
    values = metrics(tmp_path, {"base": rows, "tuned": rows}, options)
    assert values["base", "as_logged_lower[wer]"] == pytest.approx(
        sum(0.1 * (n % 4) + r / 10 for n in range(10) for r in (1, 2)) / 20
    )
    answers = importer("table").read(tmp_path / "base.csv", options)[0].evaluations["answers"].answers
    assert (answers[0].slices, answers[1].epoch) == (("kind=a",), 2)


def test_a_row_of_one_model_alone_is_a_failure_of_the_other(tmp_path: Path) -> None:
    header = "id,score\n"
    run = results(
        tmp_path,
        {
            "base": header + "".join(f"{n},1\n" for n in range(10)),
            "tuned": header + "".join(f"{n},1\n" for n in range(8)),
        },
    )
    (evaluation,) = run.evaluations
    assert evaluation.n == 10
    assert evaluation.counts["tuned"]["failed"] == 2
    (difference,) = [entry for entry in run.comparisons if not entry.slice]
    assert difference.n == 8


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("id,score\n1,1\n1,0\n", {}, "answered twice"),
        ("id,score\n1,1\n", {"lower": "wer"}, "Did you mean"),
        ("id,score\n1,1\n", {"figure": "score"}, "Did you mean 'figures'"),
        ("id,score\n,1\n", {}, "`id` is empty"),
        ("id,score,run\n1,1,x\n", {"epoch": "run"}, "whole number"),
        ("id,note\n1,hello\n", {}, "nothing to compare"),
    ],
)
def test_faults_are_named(text: str, options: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        metrics(tmp_path, {"base": text, "tuned": text}, options)
    shown = f"{caught.value} {caught.value.hint}"
    assert said in shown or said.partition("Did you mean")[0] in shown


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    text = "id,target,answer\n" + "".join(f"{n},{'' if n == 3 else 'yes'},yes\n" for n in range(10))
    run = results(tmp_path, {"base": text, "tuned": text})
    assert run.evaluations[0].n == 9
    assert any("1 row has no target" in caveat for caveat in run.evaluations[0].caveats)


def test_a_list_of_right_answers_is_asked_for(tmp_path: Path) -> None:
    lines = "".join(f'{{"id": {n}, "target": ["a", "b"], "answer": "{"ab"[n % 2]}"}}\n' for n in range(6))
    files = [written(tmp_path, f"{name}.jsonl", lines) for name in ("base", "tuned")]
    sources = [LogSource.of(str(file)) for file in files]
    with pytest.raises(DataError, match="found a list"):
        import_logs("table", sources, {}, suite="t", out=tmp_path / "out", reporter=Silent())
    run = import_logs("table", sources, {"target_is": "list"}, suite="t", out=tmp_path / "out", reporter=Silent())
    assert {entry.interval.value for entry in run.read_results().metrics} == {1.0}


def test_an_empty_answer_is_wrong_and_counted(tmp_path: Path) -> None:
    text = "id,target,answer\n" + "".join(f"{n},yes,{'' if n == 3 else 'yes'}\n" for n in range(10))
    run = results(tmp_path, {"base": text, "tuned": text})
    assert {entry.interval.value for entry in run.metrics} == {0.9}
    assert any(caveat.endswith("compared: 1") for caveat in run.evaluations[0].caveats)
