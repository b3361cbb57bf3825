"""Logs as lm-eval writes them → a run that gates and comparisons work on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.commands.compare_runs import compare_runs
from harness.commands.import_lm_eval import import_lm_eval, named
from harness.commands.rejudge import judge_again
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.evaluations.lm_eval.samples import read_samples
from harness.storage.run_folders import find

GATES = """
name: judge
models: {base: {load: x}, tuned: {load: y}}
compare: {baseline: base}
tasks: {animals: {lm_eval: {task: {output_type: multiple_choice, test_split: t, doc_to_text: q, doc_to_target: g,
  doc_to_choice: c}, metrics: [acc]}}}
gates: [{id: better, metric: animals.acc, kind: superiority}]
"""


def choice(number: int, values: list[float], **changes: Any) -> dict[str, Any]:
    right = number % len(values)
    texts = [f"answer {place}" for place in range(len(values))]
    sample = {
        "doc_id": number,
        "doc": {"q": f"question {number}"},
        "target": str(right),
        "arguments": {
            f"gen_args_{place}": {"arg_0": f"Q: question {number}", "arg_1": f" {text}"}
            for place, text in enumerate(texts)
        },
        "resps": [[[str(value), "False"]] for value in values],
        "filtered_resps": [[str(value), "False"] for value in values],
        "filter": "none",
        "doc_hash": f"hash {number}",
        "acc": float(max(range(len(values)), key=values.__getitem__) == right),
    }
    return {**sample, **changes}


def written(path: Path, samples: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return path


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    """120 questions of three choices: the base is right on every third, the other on all."""
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    name = "samples_animals_2026-11-21T14-28-31.764264.jsonl"
    written(base / "m" / name, [choice(number, [-1.0, -2.0, -3.0]) for number in range(120)])
    better = [[-1.0 if place == number % 3 else -5.0 for place in range(3)] for number in range(120)]
    # Another order: documents are matched by their hash.
    written(tuned / "m" / name, [choice(number, better[number]) for number in reversed(range(120))])
    (base / "m" / "results_2026.json").write_text(json.dumps({"model_name": "owner/base", "lm_eval_version": "0.4.13"}))
    return base, tuned


def test_logs_become_a_run_that_is_compared_and_judged(logs: tuple[Path, Path], tmp_path: Path) -> None:
    sources = named([str(logs[0]), f"tuned={logs[1]}"])
    assert [source.name for source in sources] == ["base", "tuned"]
    reporter = Silent()
    run = import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=reporter)
    assert any("rows may have been trained on" in text for text in reporter.warnings)
    assert "ows may have been trained on" in " ".join(run.read_results().notes)
    assert find(tmp_path / "reports" / "logs").path == run.path
    assert (run.path / "report.html").is_file()
    results = run.read_results()
    levels = {entry.model: entry.interval.value for entry in results.metrics if entry.metric == "acc"}
    assert levels == pytest.approx({"base": 1 / 3, "tuned": 1.0})
    (compared,) = [entry for entry in results.comparisons if entry.id == "animals.acc"]
    assert compared.delta.value == pytest.approx(2 / 3)
    assert compared.n == 120
    (tmp_path / "gates.yaml").write_text(GATES)
    assert judge_again(run, str(tmp_path / "gates.yaml"), Silent()).verdict.overall == "pass"
    assert compare_runs(run, run, [("base", "tuned")], Silent())[0].delta.value == pytest.approx(2 / 3)


def test_other_prompts_are_told(logs: tuple[Path, Path], tmp_path: Path) -> None:
    (file,) = logs[1].rglob("*.jsonl")
    file.write_text(file.read_text().replace("Q: question", "Question: question"))
    sources = named([f"base={logs[0]}", f"tuned={logs[1]}"])
    run = import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=Silent())
    assert "120 prompts differ" in run.read_results().evaluations[0].comparability[0]


def test_ties_share_the_point(tmp_path: Path) -> None:
    file = written(tmp_path / "samples_a.jsonl", [choice(1, [-2.0, -2.0], acc=0.0), choice(0, [-2.0, -3.0])])
    first, second = read_samples(file)
    assert (first.record.stats["acc"], second.record.stats["acc"]) == (0.5, 1.0)
    assert first.record.tied


def test_documents_that_stand_twice_stay_two(tmp_path: Path) -> None:
    found = read_samples(written(tmp_path / "a.jsonl", [choice(0, [-1.0, -2.0])] * 2))
    assert len({one.item.id for one in found}) == 2


def test_rolling_and_generation(tmp_path: Path) -> None:
    text = " two words\n"
    rolling = choice(0, [-1.0], arguments={"gen_args_0": {"arg_0": text}}, resps=[["-7.5"]], word_perplexity=[-7.5, 4])
    (found,) = read_samples(written(tmp_path / "r.jsonl", [rolling]))
    assert found.protocol == "rolling_likelihood"
    assert found.record.stats == {"nll": 7.5, "bytes": 11.0, "words": 4.0}
    asked = {"gen_args_0": {"arg_0": "Q", "arg_1": {"until": ["."]}}}
    write = {"arguments": asked, "resps": [["It is 4"]], "target": "4", "exact_match": 1.0}
    samples = [
        choice(0, [-1.0], **write, filter=name, filtered_resps=[kept])
        for name, kept in (("strict", "4"), ("loose", "x"))
    ]
    file = written(tmp_path / "g.jsonl", samples)
    assert [one.record.prediction for one in read_samples(file)] == ["4"]
    assert [one.record.prediction for one in read_samples(file, "loose")] == ["x"]
    with pytest.raises(DataError, match="filter"):
        read_samples(file, "none")


@pytest.mark.parametrize(
    "changes",
    [
        {"acc": 0.0},
        {"resps": [[["nan", "False"]], [["-1", "False"]]]},
        {"resps": [[["x", "False"]], [["-1", "False"]]]},
        {"resps": []},
        {"target": "9"},
        {"arguments": {"gen_args_0": {}}},
        {"resps": [["text"]]},
    ],
)
def test_samples_that_do_not_add_up_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_samples(written(tmp_path / "a.jsonl", [choice(0, [-1.0, -2.0], **changes)]))
    assert caught.value.where is not None
    assert caught.value.where.line == 1


@pytest.mark.parametrize("text", ["", "{", "[]\n", '{"doc": 1}\n', "\x00\n"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError):
        read_samples(tmp_path / "a.jsonl")


def test_models_without_a_common_task_and_paths_without_logs(logs: tuple[Path, Path], tmp_path: Path) -> None:
    other = written(tmp_path / "samples_plants.jsonl", [choice(0, [-1.0, -2.0])])
    sources = named([f"a={logs[0]}", f"b={other}"])
    with pytest.raises(DataError, match="no task"):
        import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=Silent())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="--log_samples"):
        import_lm_eval(named([str(tmp_path / "empty")]), suite="logs", out=tmp_path / "reports", reporter=Silent())
    with pytest.raises(DataError, match="no such file"):
        named(["a=nowhere"])
    with pytest.raises(DataError, match="two models"):
        named([f"a={other}", f"a={other}"])
    assert math.isfinite(read_samples(other)[0].record.margin or 0.0)


def test_targets_several_right_choices_and_contexts_are_read(tmp_path: Path) -> None:
    target = choice(1, [-3.5], perplexity=-3.5, target="answer 0")
    target["resps"] = [[["-3.5", "True"]]]
    (found,) = read_samples(written(tmp_path / "t.jsonl", [target]))
    assert (found.protocol, dict(found.record.stats)) == (
        "target_likelihood",
        {"nll_target": 3.5, "targets": 1.0, "greedy_match": 1.0},
    )
    several = choice(1, [-3.0, -1.0, -2.0], target="[1, 2]", acc=1.0)
    (found,) = read_samples(written(tmp_path / "s.jsonl", [several]))
    assert (found.record.stats["acc"], found.item.payload["right"]) == (1.0, [1, 2])
    for acc, right in ((1.0, 1), (0.0, 0)):
        contexts = choice(1, [-3.0, -1.0], target="what follows", acc=acc)
        for place, argument in enumerate(contexts["arguments"].values()):
            argument |= {"arg_0": f"context {place}", "arg_1": " what follows"}
        (found,) = read_samples(written(tmp_path / "c.jsonl", [contexts]))
        assert (found.item.payload["right"], found.record.stats["acc"]) == ([right], acc)


def test_tasks_that_are_not_read_do_not_stop_the_others(logs: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in logs:
        sample = choice(0, [-1.0], bleu=["a", "b"])
        sample["resps"] = [["some text"]]
        written(folder / "m" / "samples_translated_2026-11-21T14-28-31.764264.jsonl", [sample])
    reporter = Silent()
    sources = named([f"base={logs[0]}", f"tuned={logs[1]}"])
    run = import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=reporter)
    assert [evaluation.name for evaluation in run.read_results().evaluations] == ["animals"]
    assert any(warning.startswith("skipping translated:") for warning in reporter.warnings)


def test_mutual_information_is_a_figure_where_it_was_asked(tmp_path: Path) -> None:
    for name in ("base", "tuned"):
        samples = [choice(number, [-1.0, -2.0], acc_mutual_info=0.0) for number in range(4)]
        for sample in samples:
            sample["resps"] += [[["-0.5", "False"]], [["-3.0", "False"]]]
            sample["arguments"] |= {f"gen_args_{place}": {"arg_0": "", "arg_1": "x"} for place in (2, 3)}
        written(tmp_path / name / "samples_animals_2026-11-21T14-28-31.764264.jsonl", samples)
    sources = named([f"base={tmp_path / 'base'}", f"tuned={tmp_path / 'tuned'}"])
    run = import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=Silent())
    levels = {one.metric: one.interval.value for one in run.read_results().metrics if one.model == "base"}
    assert levels["acc_mutual_info"] == pytest.approx(0.5)


def test_an_empty_file_is_not_blamed_on_a_filter(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file contains no samples"):
        read_samples(written(tmp_path / "samples_a.jsonl", []))
