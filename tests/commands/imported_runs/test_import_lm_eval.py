"""Logs as lm-eval writes them → a run that gates and comparisons work on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.commands.imported_runs.import_lm_eval import import_lm_eval, named
from harness.commands.stored_runs.compare_runs import compare_runs
from harness.commands.stored_runs.rejudge import judge_again
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.evaluations.answers.answered_item import Answered
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
    return {key: value for key, value in {**sample, **changes}.items() if value is not ...}


def written(path: Path, samples: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return path


def answered(path: Path, chosen: str | None = None) -> list[Answered]:
    return read_samples(path, chosen).answered


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
    assert compare_runs(run, run, [("base", "tuned")], Silent()).comparisons[0].delta.value == pytest.approx(2 / 3)


def test_other_prompts_are_told(logs: tuple[Path, Path], tmp_path: Path) -> None:
    (file,) = logs[1].rglob("*.jsonl")
    file.write_text(file.read_text().replace("Q: question", "Question: question"))
    sources = named([f"base={logs[0]}", f"tuned={logs[1]}"])
    run = import_lm_eval(sources, suite="logs", out=tmp_path / "reports", reporter=Silent())
    assert "120 prompts differ" in run.read_results().evaluations[0].comparability[0]


def test_the_first_of_tied_choices_is_the_answer_as_in_lm_eval(tmp_path: Path) -> None:
    file = written(tmp_path / "samples_a.jsonl", [choice(1, [-2.0, -2.0], acc=0.0), choice(0, [-2.0, -3.0])])
    first, second = answered(file)
    assert (first.record.stats["acc"], second.record.stats["acc"]) == (0.0, 1.0)
    assert first.record.tied


def test_documents_that_stand_twice_stay_two(tmp_path: Path) -> None:
    found = answered(written(tmp_path / "a.jsonl", [choice(0, [-1.0, -2.0])] * 2))
    assert len({one.item.id for one in found}) == 2


def test_rolling_and_generation(tmp_path: Path) -> None:
    text = " two words\n"
    rolling = choice(
        0, [-1.0], arguments={"gen_args_0": {"arg_0": text}}, resps=[["-7.5"]], word_perplexity=[-7.5, 4], acc=...
    )
    (found,) = answered(written(tmp_path / "r.jsonl", [rolling]))
    assert found.protocol == "rolling_likelihood"
    assert found.record.stats == {"nll": 7.5, "bytes": 11.0, "words": 4.0}
    asked = {"gen_args_0": {"arg_0": "Q", "arg_1": {"until": ["."]}}}
    write = {"arguments": asked, "resps": [["It is 4"]], "target": "4", "exact_match": 1.0, "acc": ...}
    samples = [
        choice(0, [-1.0], **write, filter=name, filtered_resps=[kept])
        for name, kept in (("strict", "4"), ("loose", "x"))
    ]
    file = written(tmp_path / "g.jsonl", samples)
    assert [one.record.prediction for one in answered(file)] == ["4"]
    assert [one.record.prediction for one in answered(file, "loose")] == ["x"]
    with pytest.raises(DataError, match="filter"):
        answered(file, "none")


@pytest.mark.parametrize(
    "changes",
    [
        {"acc": 0.0},
        {"resps": [[["x", "False"]], [["-1", "False"]]]},
        {"resps": []},
        {"target": "9"},
        {"arguments": {"gen_args_0": {}}},
        {"resps": [["text"]]},
    ],
)
def test_samples_that_do_not_add_up_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        answered(written(tmp_path / "a.jsonl", [choice(0, [-1.0, -2.0], **changes)]))
    assert caught.value.where is not None
    assert caught.value.where.line == 1


@pytest.mark.parametrize("text", ["", "{", "[]\n", '{"doc": 1}\n', "\x00\n"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError):
        answered(tmp_path / "a.jsonl")


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
    assert math.isfinite(answered(other)[0].record.margin or 0.0)


def test_targets_several_right_choices_and_contexts_are_read(tmp_path: Path) -> None:
    target = choice(1, [-3.5], perplexity=-3.5, target="answer 0")
    target["resps"] = [[["-3.5", "True"]]]
    (found,) = answered(written(tmp_path / "t.jsonl", [target]))
    assert (found.protocol, dict(found.record.stats)) == (
        "target_likelihood",
        {"nll_target": 3.5, "targets": 1.0, "greedy_match": 1.0},
    )
    several = choice(1, [-3.0, -1.0, -2.0], target="[1, 2]", acc=1.0)
    (found,) = answered(written(tmp_path / "s.jsonl", [several]))
    assert (found.record.stats["acc"], found.item.payload["right"]) == (1.0, [1, 2])
    for acc, right in ((1.0, 1), (0.0, 0)):
        contexts = choice(1, [-3.0, -1.0], target="what follows", acc=acc)
        for place, argument in enumerate(contexts["arguments"].values()):
            argument |= {"arg_0": f"context {place}", "arg_1": " what follows"}
        (found,) = answered(written(tmp_path / "c.jsonl", [contexts]))
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
        samples = [choice(number, [-1.0, -2.0], acc_mutual_info=float(number % 2)) for number in range(4)]
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
        answered(written(tmp_path / "samples_a.jsonl", []))


def imported(folder: Path, base: list[dict[str, Any]], tuned: list[dict[str, Any]], name: str = "animals") -> Any:
    for model, samples in (("base", base), ("tuned", tuned)):
        written(folder / model / f"samples_{name}_2026-11-21T14-28-31.764264.jsonl", samples)
    sources = named([f"base={folder / 'base'}", f"tuned={folder / 'tuned'}"])
    return import_lm_eval(sources, suite="logs", out=folder / "reports", reporter=Silent()).read_results()


def spelled(number: int, texts: list[str], values: list[float], **changes: Any) -> dict[str, Any]:
    """A document whose choices are these texts, scored as they stand."""
    arguments = {f"gen_args_{place}": {"arg_0": "Q", "arg_1": text} for place, text in enumerate(texts)}
    return choice(number, values, arguments=arguments, **changes)


def test_digits_are_places_as_in_lm_eval_unless_its_acc_says_that_they_are_texts(tmp_path: Path) -> None:
    texts = [" 4", " 2", " 3", " 1"]
    places = [spelled(0, texts, [-3.0, -2.0, -1.0, -4.0], target="2", acc=1.0, doc_hash=f"{n}") for n in range(3)]
    assert {one.item.target for one in answered(written(tmp_path / "p.jsonl", places))} == {"3"}
    digits = [spelled(0, texts, [-3.0, -1.0, -2.0, -4.0], target="2", acc=1.0, doc_hash=f"{n}") for n in range(3)]
    assert {one.item.target for one in answered(written(tmp_path / "d.jsonl", digits))} == {"2"}


def test_nothing_of_a_choice_is_stripped_but_the_delimiter(tmp_path: Path) -> None:
    """Lengths 2 and 3 of the choices " a", "bb" + delimiter " " decide acc_norm: −2.1/2 against −2.2/2."""
    samples = [
        spelled(0, ["  a", " bb"], [-2.1, -2.2], target="0", acc=1.0, acc_norm=1.0),
        spelled(1, ["  a", " b"], [-2.1, -1.5], target="0", acc=0.0, acc_norm=1.0, doc_hash="x"),
    ]
    found = answered(written(tmp_path / "a.jsonl", samples))
    assert [one.record.stats["acc_norm_chars"] for one in found] == [1.0, 1.0]
    assert found[0].item.payload["choices"] == [" a", "bb"]


def test_figures_that_contradict_each_other_refuse_the_task_with_both_values(tmp_path: Path) -> None:
    sound = [choice(number, [-1.0, -2.0]) for number in range(4)]
    wrong = [*sound[:3], {**sound[3], "acc": 1.0}]
    with pytest.raises(DataError, match=r"logged acc 0\.75, and the logged log-likelihoods give 0\.5: 1 of 4"):
        imported(tmp_path, sound, wrong)
    stale = tmp_path / "stale"
    page = {"results": {"animals": {"acc,none": 0.9}}}
    written(stale / "base" / "x", [])
    (stale / "base" / "results_2026-11-21T14-28-31.764264.json").write_text(json.dumps(page))
    with pytest.raises(DataError, match=r"results say acc 0\.9, and the 4 logged documents give 0\.5"):
        imported(stale, sound, sound)


def test_one_bad_document_is_one_failure(tmp_path: Path) -> None:
    sound = [choice(number, [-1.0, -2.0]) for number in range(6)]
    infinite = choice(1, [-1.0, -2.0])
    infinite["resps"][1] = [["-inf", "False"]]
    broken = {key: value for key, value in choice(2, [-1.0, -2.0]).items() if key != "resps"}
    results = imported(tmp_path, sound, [sound[0], infinite, broken, *sound[3:]])
    (evaluation,) = results.evaluations
    assert evaluation.counts["tuned"]["failed"] == 2
    assert evaluation.counts["base"]["failed"] == 0
    assert evaluation.n == 6
    (compared,) = [one for one in results.comparisons if one.id == "animals.acc"]
    assert compared.n == 4
    assert any("'resps' is missing" in caveat for caveat in evaluation.caveats)


def test_all_logs_are_read_with_one_filter(tmp_path: Path) -> None:
    def written_by(names: list[str]) -> list[dict[str, Any]]:
        asked = {"gen_args_0": {"arg_0": "Q", "arg_1": {}}}
        write = {"arguments": asked, "resps": [["4"]], "target": "4", "exact_match": 1.0}
        return [choice(0, [-1.0], **write, filter=name, filtered_resps=[name]) for name in names]

    results = imported(tmp_path / "a", written_by(["strict", "loose"]), written_by(["loose", "strict"]), "gen")
    assert any("the filter strict for all models" in caveat for caveat in results.evaluations[0].caveats)
    with pytest.raises(DataError, match="no filter is in the logs of every model"):
        imported(tmp_path / "b", written_by(["strict"]), written_by(["loose"]), "gen")


def test_halves_of_surrogate_pairs_are_made_storable_and_told(tmp_path: Path) -> None:
    asked = {"gen_args_0": {"arg_0": "Q", "arg_1": {}}}
    write = {"arguments": asked, "resps": [["nice \ud83d"]], "target": "4", "exact_match": 0.0}
    samples = [choice(0, [-1.0], **write, filtered_resps=["nice \ud83d"])]
    results = imported(tmp_path, samples, samples, "gen")
    assert any("half of a surrogate pair" in caveat for caveat in results.evaluations[0].caveats)


def test_counts_of_words_and_bytes_are_those_that_lm_eval_logged(tmp_path: Path) -> None:
    text = "detokenized text"
    rolling = choice(
        0, [-1.0], arguments={"gen_args_0": {"arg_0": text}}, resps=[["-7.5"]], word_perplexity=[-7.5, 9], acc=...
    )
    (found,) = answered(written(tmp_path / "r.jsonl", [rolling]))
    assert found.record.stats["words"] == 9
    with pytest.raises(DataError, match="logged word_perplexity"):
        answered(written(tmp_path / "s.jsonl", [{**rolling, "word_perplexity": [-7.0, 9]}]))
