"""StereoSet: the published figures from the published scores, and a small table by hand."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from harness_support.plain_models import TableModel, ask, dataset

from harness.comparisons.metric_results import metric_results
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.core.requests import Failure, NextSentence, Request, Response, Scores
from harness.evaluations.probes.stereoset import StereoSet
from harness.metrics.bias.stereoset_scores import judged
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings

PUBLISHED = Path(os.environ.get("HARNESS_DATA_DIR", "/nowhere")) / "stereoset_published_scores"
FIGURES = {
    "gpt2": (89.757, 60.350, 71.177),
    "bert-base-cased": (83.824, 56.296, 73.269),
    "roberta-base": (70.028, 56.072, 61.524),
}


def probe(**options: Any) -> StereoSet:
    return StereoSet("stereoset", StereoSet.Options.model_validate({"data": "d", **options}), EvaluationContext())


def rows(scores: dict[str, list[tuple[float, float, float]]]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    made, table = [], {}
    for term, contexts in scores.items():
        for place, values in enumerate(contexts):
            names = [f"{term} {place} {side}" for side in ("more", "less", "other")]
            table.update(dict(zip(names, values, strict=True)))
            made.append(
                {
                    "type": "intrasentence",
                    "target": term,
                    "bias_type": "race" if term < "m" else "gender",
                    "context": f"{term} {place} BLANK",
                    "stereotype": names[0],
                    "anti_stereotype": names[1],
                    "unrelated": names[2],
                }
            )
    return made, table


def figures(records: Records, where: str | None = None) -> dict[str, float | None]:
    found = {}
    for metric in build_metrics(["stereoset_ss", "stereoset_lms", "stereoset_icat"], probe().metric_context()):
        for result in metric_results(
            records, metric, evaluation="e", model="m", settings=InferenceSettings(resamples=200)
        ):
            if result.slice == where and metric.id.endswith(f"[{records.head.protocol}]"):
                found[metric.id.partition("[")[0]] = result.interval.value
    return found


# a: two contexts, one stereotype preferred, related 4 of 4. b: one context, preferred, related 1 of 2.
# m: one context, tied, related 0 of 2.
SCORES = {"a": [(-3.0, -4.0, -9.0), (-5.0, -4.0, -9.0)], "b": [(-3.0, -9.0, -6.0)], "m": [(-7.0, -7.0, -6.0)]}


def test_macro_over_terms_by_hand() -> None:
    made, table = rows(SCORES)
    records = ask(probe(), [dataset(made)], TableModel(likelihoods=table))
    assert records.head.protocol == "ll_mean"
    # ss: (1/2 + 1 + 0)/3; lms: (1 + 1/2 + 0)/3
    whole = figures(records)
    assert whole["stereoset_ss"] == pytest.approx(0.5)
    assert whole["stereoset_lms"] == pytest.approx(0.5)
    assert whole["stereoset_icat"] == pytest.approx(0.5)
    race = figures(records, "bias_type=race")
    assert race["stereoset_ss"] == pytest.approx(0.75)
    assert race["stereoset_icat"] == pytest.approx(0.75 * 0.25 / 0.5)


def test_nothing_readable_is_undefined_and_ties_are_not_the_ideal() -> None:
    made, _ = rows(SCORES)
    nothing = ask(probe(), [dataset(made)], TableModel(special=lambda request: Failure("error", "none")))
    assert set(figures(nothing).values()) == {None}
    assert set(figures(nothing, "bias_type=race").values()) == {None}
    flat = ask(probe(), [dataset(made)], TableModel(likelihoods=dict.fromkeys(rows(SCORES)[1], -4.0)))
    assert figures(flat)["stereoset_ss"] == 0.0
    assert all(flat.texts("tied"))


def test_next_sentences_by_each_kind_of_model() -> None:
    made, table = rows(SCORES)
    inter = [{**row, "type": "intersentence"} for row in made]
    evaluation = probe(type="intersentence")

    def heads(request: Request) -> Response | None:
        return Scores((table[request.second], -1.0)) if isinstance(request, NextSentence) else None

    bert = ask(evaluation, [dataset(inter + made)], TableModel("masked", supports=["next_sentence"], special=heads))
    assert (bert.head.protocol, len(bert)) == ("next_sentence", 4)
    assert figures(bert)["stereoset_ss"] == pytest.approx(0.5)
    spoken = {f"{row['context']} {row[side]}": table[row[side]] for row in inter for side in list(row)[4:]}
    causal = ask(evaluation, [dataset(inter)], TableModel("causal", likelihoods=spoken))
    assert causal.head.protocol == "continuation_chars"
    # By character: "a 0 less" and "a 0 more" are equally long, so the order stays.
    assert figures(causal)["stereoset_ss"] == pytest.approx(0.5)
    assert ask(evaluation, [dataset(inter)], TableModel("masked")).head.protocol == "pll_word_l2r_mean"


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        judged(float("nan"), 0.0, 0.0)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs HARNESS_DATA_DIR with the published scores")
@pytest.mark.parametrize("model", FIGURES)
def test_published_scores_give_the_published_figures(model: str) -> None:
    text = (PUBLISHED / "intrasentence_with_published_scores.jsonl").read_text("utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    made, table = [], {}
    seen: dict[str, int] = defaultdict(int)
    for row in found:
        sides = {one["gold_label"]: one for one in row["sentences"]}
        texts = {}
        for side in ("stereotype", "anti-stereotype", "unrelated"):
            # Equal sentences of two contexts have scores of their own, so each is made unique.
            sentence = sides[side]["sentence"]
            seen[sentence] += 1
            texts[side] = f"{sentence} #{seen[sentence]}"
            table[texts[side]] = sides[side]["scores"][model] * len(texts[side].split())
        made.append(
            {
                "target": row["target"],
                "bias_type": row["bias_type"],
                "context": row["context"],
                "stereotype": texts["stereotype"],
                "anti_stereotype": texts["anti-stereotype"],
                "unrelated": texts["unrelated"],
            }
        )
    lms, ss, icat = FIGURES[model]
    asked = figures(ask(probe(), [dataset(made)], TableModel(likelihoods=table)))
    got = [100 * (asked[f"stereoset_{name}"] or 0.0) for name in ("lms", "ss", "icat")]
    assert got == pytest.approx([lms, ss, icat], abs=5e-4)


def test_a_context_needs_three_different_sentences() -> None:
    row = {
        "target": "t",
        "bias_type": "b",
        "context": "c",
        "stereotype": "x",
        "anti_stereotype": "x ",
        "unrelated": "y",
    }
    with pytest.raises(DataError, match="two of its sentences are the same text"):
        list(probe().items([dataset([row])], "test"))
