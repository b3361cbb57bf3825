"""Every figure of a log that what was answered settles agrees with it, or the task is refused; others are marked.

The figures are computed here by the libraries that lm-eval calls, never by harness.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.commands.imported_runs.import_lm_eval import import_lm_eval, named
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.schema.results.results_file import Results

STAMP = "2026-11-21T14-28-31.764264"
WRITTEN = ["the small cat sat", "A dog, barking", "it rains\nin the north", "snow", "no end of words"]
TARGETS = ["the cat sat down", "a dog barking", "it rains in the north", "rain", "an end of all words"]
LIKELIHOODS = [[-1.0, -2.5], [-3.0, -1.0], [-0.5, -0.75], [-2.0, -1.5], [-4.0, -1.0]]
RIGHT = [0, 1, 1, 0, 1]

Sample = dict[str, Any]
Page = dict[str, Any]


def imported(folder: Path, samples: list[Sample], page: Page | None = None, task: str = "facts") -> Results:
    """One log under two names, with what the results file says."""
    for model in ("base", "tuned"):
        place = folder / model
        place.mkdir(parents=True)
        lines = "".join(json.dumps(sample) + "\n" for sample in samples)
        (place / f"samples_{task}_{STAMP}.jsonl").write_text(lines)
        if page is not None:
            (place / f"results_{STAMP}.json").write_text(json.dumps(page))
    sources = named([f"{model}={folder / model}" for model in ("base", "tuned")])
    return import_lm_eval(sources, suite="logs", out=folder / "reports", reporter=Silent()).read_results()


def levels(results: Results) -> dict[str, float]:
    return {entry.metric: entry.interval.value for entry in results.metrics if entry.model == "base"}


def caveats(results: Results) -> str:
    return " ".join(results.evaluations[0].caveats)


def page(metrics: dict[str, Any], totals: dict[str, float], task: str = "facts", **config: Any) -> Page:
    """A results file whose task lists metrics with their options."""
    listed = [{"metric": name, **options} for name, options in metrics.items()]
    figures = {f"{name},none": value for name, value in totals.items()}
    return {"results": {task: figures}, "configs": {task: {"metric_list": listed, **config}}}


def _stated(names: Iterable[str]) -> dict[str, Any]:
    return {name: {} for name in names}


def document(number: int, replies: list[Any], requests: list[list[Any]], target: Any, **figures: Any) -> Sample:
    arguments = {
        f"gen_args_{place}": {f"arg_{part}": text for part, text in enumerate(request)}
        for place, request in enumerate(requests)
    }
    return {
        "doc_id": number,
        "doc": {"q": number},
        "doc_hash": f"hash {number}",
        "target": str(target),
        "arguments": arguments,
        "resps": [[reply] for reply in replies],
        "filtered_resps": replies,
        "filter": "none",
        "metrics": list(figures),
        **figures,
    }


def wrote(number: int, text: str, target: Any, **figures: Any) -> Sample:
    return document(number, [text], [["Q", {"until": ["\n\n"]}]], target, **figures)


def chose(number: int, **figures: Any) -> Sample:
    replies = [[str(value), str(place == 0)] for place, value in enumerate(LIKELIHOODS[number])]
    return document(number, replies, [["Q", " no"], ["Q", " yes"]], RIGHT[number], **figures)


def text_logs(**figures: Callable[[str, str], Any]) -> list[Sample]:
    return [
        wrote(number, text, target, **{name: of(text, target) for name, of in figures.items()})
        for number, (text, target) in enumerate(zip(WRITTEN, TARGETS, strict=True))
    ]


def test_corpus_scores_are_sacrebleus_over_all_documents_or_the_task_is_refused(tmp_path: Path) -> None:
    import sacrebleu

    reference = {
        "bleu": sacrebleu.corpus_bleu(WRITTEN, [TARGETS]).score,
        "chrf": sacrebleu.corpus_chrf(WRITTEN, [TARGETS]).score,
        "ter": sacrebleu.corpus_ter(WRITTEN, [TARGETS]).score,
    }
    samples = text_logs(**dict.fromkeys(reference, lambda text, target: [target, text]))
    stated = page(_stated(reference), reference)
    assert levels(imported(tmp_path / "a", samples, stated)) == pytest.approx(reference, rel=1e-9)
    for name, value in reference.items():
        stale = page(_stated(reference), {**reference, name: value + 0.5})
        with pytest.raises(DataError, match=rf"results say {name} .*documents give {value:.6g}"):
            imported(tmp_path / name, samples, stale)
    exchanged = [{**samples[0], "bleu": [TARGETS[0], "another text"]}, *samples[1:]]
    with pytest.raises(DataError, match=r"logged bleu of 'another text'"):
        imported(tmp_path / "exchanged", exchanged, stated)


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("name", ["rouge1", "rouge2", "rougeL", "rougeLsum"])
def test_rouge_is_the_librarys_or_the_task_is_refused(name: str, scale: float, tmp_path: Path) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([name])
    samples = text_logs(**{name: lambda text, target: scale * scorer.score(target, text)[name].fmeasure})
    mean = sum(sample[name] for sample in samples) / len(samples)
    results = imported(tmp_path / "a", samples, page({name: {}}, {name: mean}))
    assert levels(results) == pytest.approx({name: mean / scale})
    wrong = [{**samples[0], name: samples[0][name] + 0.25 * scale}, *samples[1:]]
    with pytest.raises(DataError, match=rf"logged {name} .*texts give .*: 1 of 5 documents disagree"):
        imported(tmp_path / "b", wrong)
    stemmed = imported(tmp_path / "c", samples, page({name: {"use_stemmer": True}}, {name: mean}))
    assert list(levels(stemmed)) == [f"as_logged[{name}]"]


@pytest.mark.parametrize(("name", "ours"), [("f1", "squad_f1"), ("em", "squad_exact_match")])
def test_figures_of_squad_come_out_or_the_task_is_refused(name: str, ours: str, tmp_path: Path) -> None:
    from evaluate import load  # noqa: F401 - the reference below is the one that evaluate's squad_v2 holds

    def squad(text: str, target: str) -> float:
        def tokens(given: str) -> list[str]:
            plain = "".join(mark for mark in given.lower() if mark.isalnum() or mark.isspace())
            return [word for word in plain.split() if word not in ("a", "an", "the")]

        given, gold = tokens(text), tokens(target)
        if name == "em":
            return float(given == gold)
        common = sum(min(given.count(word), gold.count(word)) for word in set(given))
        return 2 * common / (len(given) + len(gold))

    samples = text_logs(**{name: squad})
    mean = sum(sample[name] for sample in samples) / len(samples)
    assert levels(imported(tmp_path / "a", samples)) == pytest.approx({ours: mean})
    wrong = [{**samples[1], name: 0.5}, *samples[:1], *samples[2:]]
    with pytest.raises(DataError, match=rf"logged {name} .*texts give"):
        imported(tmp_path / "b", wrong)
    code = page({name: {}}, {name: 0.5}, process_results="def process_results(doc, results): ...")
    assert list(levels(imported(tmp_path / "c", wrong, code))) == [f"as_logged[{name}]"]


def test_squads_own_form_agrees_with_its_figure_times_100(tmp_path: Path) -> None:
    def pair(text: str, target: str) -> list[Any]:
        asked = {"id": text, "prediction_text": text, "no_answer_probability": 0.1}
        return [asked, {"id": text, "answers": {"text": [target, "snow"], "answer_start": [0, 0]}}]

    samples = text_logs(exact=pair, f1=pair, best_f1=pair)
    # a dog barking and the document with the line end are exact, and "snow" is the second answer of the fourth.
    totals = {"exact": 60.0, "f1": 100 * (2 / 3 + 1 + 1 + 1 + 3 / 4) / 5}
    results = imported(tmp_path / "a", samples, {"results": {"facts": {f"{k},none": v for k, v in totals.items()}}})
    assert levels(results) == pytest.approx({"squad_exact_match": 0.6, "squad_f1": totals["f1"] / 100})
    assert "best_f1" in caveats(results)
    with pytest.raises(DataError, match="results say exact 40, and the 5 logged documents give 60"):
        imported(tmp_path / "b", samples, {"results": {"facts": {"exact,none": 40.0}}})


def test_exact_match_follows_the_options_of_the_task(tmp_path: Path) -> None:
    golds = ["long #### 1,000", "x #### 7", "y #### Cat", "z #### dog"]
    texts = ["1000", "7", "cat", "cat"]
    options = {"ignore_case": True, "regexes_to_ignore": [",", "(?s).*#### "]}
    samples = [
        wrote(number, text, gold, exact_match=float(number != 3))
        for number, (text, gold) in enumerate(zip(texts, golds, strict=True))
    ]
    stated = page({"exact_match": options}, {"exact_match": 0.75})
    assert levels(imported(tmp_path / "a", samples, stated)) == {"exact_match_strict": 0.75}
    wrong = [*samples[:3], {**samples[3], "exact_match": 1.0}]
    with pytest.raises(DataError, match=r"logged exact_match 1, .*texts give 0\.75: 1 of 4"):
        imported(tmp_path / "b", wrong, page({"exact_match": options}, {"exact_match": 1.0}))
    # Without the file, nothing says what was ignored: the figure is marked as lm-eval's own.
    unknown = imported(tmp_path / "c", samples)
    assert levels(unknown) == {"as_logged[exact_match]": 0.75}
    assert "taken as lm-eval logged it" in caveats(unknown)
    equal = [wrote(0, "cat", "cat", exact_match=0.0), wrote(1, "a", "b", exact_match=0.0)]
    with pytest.raises(DataError, match=r"logged exact_match 0, and the logged texts give 0\.5"):
        imported(tmp_path / "d", equal)


def test_one_of_several_accepted_answers_is_enough(tmp_path: Path) -> None:
    samples = [wrote(0, "b", ["a", "b"], exact_match=1.0), wrote(1, "c", ["it's", "d"], exact_match=0.0)]
    results = imported(tmp_path / "a", samples, page({"exact_match": {}}, {"exact_match": 0.5}))
    assert levels(results) == {"exact_match_strict": 0.5}
    literal = [wrote(0, "['a', 'b']", ["a", "b"], exact_match=1.0), wrote(1, "c", ["c"], exact_match=0.0)]
    assert levels(imported(tmp_path / "b", literal)) == {"exact_match_strict": 0.5}


def test_f1_correlation_and_brier_score_of_choices_are_scikit_learns(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score, matthews_corrcoef

    answers = [int(np.argmax(values)) for values in LIKELIHOODS]
    chances = [(np.exp(values) / np.exp(values).sum()).tolist() for values in np.array(LIKELIHOODS)]
    samples = [
        chose(
            number,
            acc=float(answers[number] == RIGHT[number]),
            f1=[RIGHT[number], answers[number]],
            mcc=[RIGHT[number], answers[number]],
            brier_score=[RIGHT[number], chances[number]],
            likelihood=[RIGHT[number], LIKELIHOODS[number]],
            exact_match=float(RIGHT[number] == 0),
        )
        for number in range(5)
    ]
    totals = {
        "acc": 0.6,
        "f1": float(f1_score(RIGHT, answers)),
        "mcc": float(matthews_corrcoef(RIGHT, answers)),
        "brier_score": float(np.mean(np.sum((np.array(chances) - np.eye(2)[RIGHT]) ** 2, axis=1))),
        "exact_match": 0.4,
    }
    stated = _stated(totals)
    found = levels(imported(tmp_path / "a", samples, page(stated, totals)))
    expected = {"f1_binary": totals["f1"], "brier": totals["brier_score"], "greedy_match": 0.4, "acc": 0.6}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    for name in totals:
        with pytest.raises(DataError, match=rf"results say {name} "):
            imported(tmp_path / name, samples, page(stated, {**totals, name: totals[name] + 0.125}))
    for name, value in (("f1", [0, 1]), ("mcc", [1, 0]), ("brier_score", [0, [0.5, 0.5]]), ("likelihood", [0, [1, 2]])):
        with pytest.raises(DataError, match=rf"logged {name} "):
            imported(tmp_path / f"row {name}", [{**samples[0], name: value}, *samples[1:]])


def test_macro_f1_by_code_of_the_task_is_told_and_another_figure_is_refused(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score

    answers = [int(np.argmax(values)) for values in LIKELIHOODS]
    samples = [chose(n, acc=float(answers[n] == RIGHT[n]), f1=[RIGHT[n], answers[n]]) for n in range(5)]
    macro = float(f1_score(RIGHT, answers, average="macro"))
    code = {"acc": {}, "f1": {"aggregation": "def macro(items): ..."}}
    assert "macro F1" in caveats(imported(tmp_path / "a", samples, page(code, {"f1": macro})))
    # The same value under lm-eval's own aggregation contradicts it.
    with pytest.raises(DataError, match="results say f1"):
        imported(tmp_path / "b", samples, page({"acc": {}, "f1": {"aggregation": "f1"}}, {"f1": macro}))


def test_perplexities_agree_with_the_results_file(tmp_path: Path) -> None:
    texts, values = ["two words", "und drei Wörter hier"], [-7.5, -11.25]
    counts = [(len(re.split(r"\s+", text)), len(text.encode())) for text in texts]
    samples = [
        document(
            n, [str(values[n])], [[texts[n]]], "", word_perplexity=[values[n], counts[n][0]],
            byte_perplexity=[values[n], counts[n][1]], bits_per_byte=[values[n], counts[n][1]],
        )
        for n in range(2)
    ]  # fmt: skip
    words, size = sum(count[0] for count in counts), sum(count[1] for count in counts)
    totals = {
        "word_perplexity": math.exp(-sum(values) / words),
        "byte_perplexity": math.exp(-sum(values) / size),
        "bits_per_byte": -sum(values) / size / math.log(2),
    }
    stated = _stated(totals)
    assert levels(imported(tmp_path / "a", samples, page(stated, totals))) == pytest.approx(totals)
    for name in totals:
        with pytest.raises(DataError, match=rf"results say {name} "):
            imported(tmp_path / name, samples, page(stated, {**totals, name: totals[name] * 1.01}))
    miscounted = [{**samples[0], "word_perplexity": [values[0], 40]}, samples[1]]
    with pytest.raises(DataError, match="logged word_perplexity"):
        imported(tmp_path / "count", miscounted, page(stated, {}))
    given = imported(tmp_path / "code", miscounted, page(stated, {}, process_results="def f(doc, results): ..."))
    assert "counts of words are taken as lm-eval logged them" in caveats(given)


def test_the_perplexity_of_targets_agrees_with_the_results_file(tmp_path: Path) -> None:
    samples = [
        document(n, [[str(value), "True"]], [["Q", " a"]], "a", perplexity=value, acc=1)
        for n, value in enumerate([-1.0, -2.0, -6.0])
    ]
    metrics: dict[str, Any] = {"perplexity": {}, "acc": {}}
    totals = {"perplexity": math.exp(3.0), "acc": 1.0}
    assert levels(imported(tmp_path / "a", samples, page(metrics, totals))) == pytest.approx(
        {"target_perplexity": math.exp(3.0), "greedy_match": 1.0}
    )
    with pytest.raises(DataError, match=r"results say perplexity 20\.2, and the 3 logged documents give 20\.0855"):
        imported(tmp_path / "b", samples, page(metrics, {**totals, "perplexity": 20.2}))


def test_other_figures_are_taken_as_given_and_marked(tmp_path: Path) -> None:
    samples = [
        wrote(n, "text", "target", **{"my score (v2)": n / 4, "wer": 1 - n / 4, "flag": n > 1, "curve": [n, 1]})
        for n in range(4)
    ]
    stated = page({"my score (v2)": {}, "wer": {}, "flag": {}}, {"my score (v2)": 0.375, "curve": 0.1})
    results = imported(tmp_path / "a", samples, stated)
    assert levels(results) == {"as_logged[my_score_v2_]": 0.375, "as_logged_lower[wer]": 0.625, "as_logged[flag]": 0.5}
    assert "taken as lm-eval logged it" in caveats(results)
    assert "left out, not a number for each document: curve (0.1)" in caveats(results)
    meaning = results.evaluations[0].meanings["as_logged_lower[wer]"]
    assert (meaning.direction, meaning.label) == ("lower", "figure of another tool, as it logged it")
    with pytest.raises(DataError, match=r"results say wer 0\.5, and the 4 logged documents give 0\.625"):
        imported(tmp_path / "b", samples, page({"wer": {"aggregation": "mean"}}, {"wer": 0.5}))


def test_accuracy_by_code_of_the_task_is_given_and_marked(tmp_path: Path) -> None:
    """As TruthfulQA's second form: a share of probability, and a target that names no choice."""
    samples = [{**chose(n, acc=0.25 + n / 8), "target": "{'labels': [1, 0]}"} for n in range(5)]
    stated = page({"acc": {"aggregation": "mean"}}, {"acc": 0.5}, process_results="def process(doc, results): ...")
    results = imported(tmp_path / "a", samples, stated)
    assert levels(results) == {"as_logged[acc]": 0.5}
    assert results.evaluations[0].counts["base"]["failed"] == 0


def test_a_document_without_a_figure_that_the_others_have_is_one_failure(tmp_path: Path) -> None:
    samples = text_logs(exact_match=lambda text, target: float(text == target))
    del samples[2]["exact_match"]
    results = imported(tmp_path / "a", samples)
    assert results.evaluations[0].counts["base"]["failed"] == 0, "no log describes it, so it is left out"
    assert "'exact_match' is missing" in caveats(results)
    assert results.evaluations[0].n == 4
