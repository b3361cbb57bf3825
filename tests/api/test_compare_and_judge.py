"""`harness.compare` and `harness.judge` on tables, against plain references."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.metrics import f1_score

import harness
from harness.core.errors import DataError, SuiteError

pytestmark = pytest.mark.filterwarnings("ignore::harness.UnknownTrainingWarning")


def table(accuracy: float, seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    target = np.array([("a", "b", "c")[k % 3] for k in range(n)])
    guess = rng.choice(["a", "b", "c"], n)
    right = rng.random(n) < accuracy
    return pd.DataFrame(
        {
            "id": [f"i{k}" for k in range(n)],
            "text": [f"text {k}" for k in range(n)],
            "target": target,
            "prediction": np.where(right, target, guess),
            "score": rng.normal(accuracy, 1, n),
            "words": rng.integers(1, 9, n),
            "doc": [k // 3 for k in range(n)],
            "source": ["web" if k % 4 else "book" for k in range(n)],
        }
    )


BASE, CANDIDATE = table(0.5, 1), table(0.8, 2)


def test_figures_equal_plain_references() -> None:
    found = harness.compare(
        BASE, CANDIDATE, ["accuracy", "f1_macro", "score", harness.Ratio("score", "words", name="rate")]
    )
    for side, frame in (("baseline_value", BASE), ("candidate_value", CANDIDATE)):
        right = frame.prediction == frame.target
        assert getattr(found["accuracy"], side) == pytest.approx(right.mean())
        macro = f1_score(frame.target, frame.prediction, average="macro")
        assert getattr(found["f1_macro"], side) == pytest.approx(macro)
        assert getattr(found["rate"], side) == pytest.approx(frame.score.sum() / frame.words.sum())
    plain = stats.ttest_rel(CANDIDATE.score, BASE.score)
    interval = plain.confidence_interval(0.95)
    assert found["score"].p == pytest.approx(plain.pvalue)
    assert (found["score"].delta.low, found["score"].delta.high) == pytest.approx((interval.low, interval.high))


def forms(frame: pd.DataFrame, folder: Path) -> list[Any]:
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    # pandas' own writer of JSON keeps ten digits only
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    return [
        frame,
        pa.Table.from_pandas(frame),
        frame.to_dict("records"),
        frame.to_dict("list"),
        folder / "t.csv",
        str(folder / "t.parquet"),
        folder / "t.jsonl",
    ]


def test_every_form_of_table_gives_the_same_whatever_the_order(tmp_path: Path) -> None:
    expected = harness.compare(BASE, CANDIDATE, ["accuracy", "score"], cluster="doc").to_dict()
    shuffled = CANDIDATE.sample(frac=1, random_state=3)
    for one in forms(BASE, tmp_path):
        assert harness.compare(one, shuffled, ["accuracy", "score"], cluster="doc").to_dict() == expected


def test_the_defaults_are_labels_then_score() -> None:
    assert {row.metric for row in harness.compare(BASE, CANDIDATE)} == {"accuracy", "f1_macro"}
    scores = harness.compare(BASE[["id", "score"]], CANDIDATE[["id", "score"]])
    assert {row.metric for row in scores} == {"score"}
    with pytest.raises(DataError, match="`target` and `prediction`, or `score`"):
        harness.compare(BASE[["id", "words"]], CANDIDATE[["id", "words"]])


def test_clusters_and_slices() -> None:
    found = harness.compare(BASE, CANDIDATE, ["accuracy"], cluster="doc", slices=["source"])
    assert found["accuracy"].clusters == 100
    assert [row.slice for row in found] == [None, "source=book", "source=web"]
    assert found["accuracy", "source=web"].p_adjusted is not None
    with pytest.raises(DataError, match="Did you mean 'source=web'"):
        found["accuracy", "source=wb"]


def changed(**columns: Any) -> pd.DataFrame:
    return CANDIDATE.assign(**columns)


@pytest.mark.parametrize(
    ("candidate", "options", "words"),
    [
        (CANDIDATE.iloc[:-2], {}, "2 only in base ('i298', 'i299')"),
        (CANDIDATE.assign(id=[f"x{k}" for k in range(300)]), {}, "share no id"),
        (pd.concat([CANDIDATE, CANDIDATE.iloc[:1]]), {}, "1 ids more than once: 'i0'"),
        (changed(text=["other", *CANDIDATE.text[1:]]), {"text": "text"}, "1 ids refer to different items"),
        (changed(target=["b", *CANDIDATE.target[1:]]), {}, "the text or target differs"),
        (changed(score=[np.nan, *CANDIDATE.score[1:]]), {"metrics": ["score"]}, "item 'i0', column 'score'"),
        (changed(score=[np.inf, *CANDIDATE.score[1:]]), {"metrics": ["score"]}, "expected a finite number"),
        (changed(score="much"), {"metrics": ["score"]}, "expected a finite number, found 'much'"),
        (changed(doc=[None, *CANDIDATE.doc[1:]]), {"cluster": "doc"}, "missing_cluster='own'"),
        (CANDIDATE, {"labels": ["a", "b"]}, "1 labels in the tables are not among labels=…: 'c'"),
        (CANDIDATE, {"name": "My Table"}, "expected a name of small letters"),
        (changed(id=[None, *CANDIDATE.id[1:]]), {}, "column 'id': missing value"),
        (CANDIDATE, {"metrics": ["acuracy"]}, "Did you mean 'accuracy'?"),
        (CANDIDATE, {"metrics": ["ece"]}, "needs more than target and prediction"),
        (CANDIDATE, {"cluster": "dok"}, "Did you mean 'doc'?"),
        (CANDIDATE, {"id": "key"}, "unknown column 'key'"),
        (CANDIDATE, {"missing": "ignore"}, "expected missing="),
        (CANDIDATE.iloc[:0], {}, "has no rows"),
        (3, {}, "found int"),
        ("none.csv", {}, "candidate: expected a file, found nothing"),
    ],
)
def test_unlike_things_are_refused(candidate: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as raised:
        harness.compare(BASE, candidate, **options)
    assert words in str(raised.value)


def test_missing_items_can_be_dropped_and_gates_still_see_it() -> None:
    found = harness.compare(BASE, CANDIDATE.iloc[:-2], ["accuracy"], missing="drop")
    assert (found["accuracy"].n, found["accuracy"].only_baseline) == (298, 2)
    gate = harness.Gate("g", metric="accuracy", kind="superiority")
    assert harness.judge(found, gate).results[0].verdict == "error"
    assert harness.judge(found, gate, defaults={"min_coverage": 0.99}).passed


def test_unequal_clusters_are_never_compared() -> None:
    found = harness.compare(BASE, changed(doc=range(300)), ["accuracy"], cluster="doc")
    assert found["accuracy"].status == "refused"
    verdict = harness.judge(found, harness.Gate("g", metric="accuracy", kind="superiority"))
    assert verdict.overall.exit_code == 12


def test_results_have_text_frame_and_json() -> None:
    found = harness.compare(BASE, CANDIDATE, ["accuracy"])
    assert repr(found).startswith("candidate − base: 300 items\n  accuracy  ")
    assert found.to_frame().loc[0, "n"] == 300
    assert json.loads(found.to_json())["comparisons"][0]["metric"] == "accuracy"
    verdicts = harness.judge(found, harness.Gate("g", metric="accuracy", kind="absolute", min=0.99))
    assert "fail" in repr(verdicts)
    assert verdicts.to_frame().loc[0, "verdict"] == "fail"
    assert json.loads(verdicts.to_json())["verdict"]["exit_code"] == 10
    assert "would pass with: `min:" in verdicts.explain()
    with pytest.raises(harness.GateFailedError, match="gate g: fail"):
        verdicts.check()


def test_levels_that_were_not_computed_are_computed_when_a_gate_asks() -> None:
    found = harness.compare(BASE, CANDIDATE, ["accuracy"])
    gate = harness.Gate("g", metric="accuracy", kind="superiority", alpha=0.0123)
    assert harness.judge(found, gate).results[0].verdict == "pass"


def test_several_candidates_are_judged_together() -> None:
    tables = [
        harness.compare(BASE, frame, ["accuracy"], candidate=name)
        for name, frame in (("new", CANDIDATE), ("old", BASE))
    ]
    verdicts = harness.judge(tables, harness.Gate("g", metric="accuracy", kind="superiority"))
    assert [(one.model, one.verdict == "pass") for one in verdicts] == [("new", True), ("old", False)]
    best = harness.Gate(
        "best",
        any_of=[harness.Gate(name, metric="accuracy", kind="superiority", model=name) for name in ("new", "old")],
    )
    assert harness.judge(tables, best).passed


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (harness.Gate("g", metric="accuracy", kind="superior"), "gates[0].kind: unknown kind of gate"),
        (harness.Gate("g", metric="accuracy", kind="superiority", margn=1), "Did you mean 'margin'?"),
        (harness.Gate("G!", metric="accuracy", kind="superiority"), "expected a name"),
    ],
)
def test_faults_of_gates_are_located(gate: harness.Gate, words: str) -> None:
    with pytest.raises(SuiteError) as raised:
        harness.judge(harness.compare(BASE, CANDIDATE, ["accuracy"]), gate)
    assert words in str(raised.value)


def test_waivers_hold_from_python_too() -> None:
    found = harness.compare(CANDIDATE, BASE, ["accuracy"])
    gate = harness.Gate("g", metric="accuracy", kind="superiority")
    waiver = {"gate": "g", "reason": "known", "owner": "me", "expires": date(2026, 1, 31)}
    assert harness.judge(found, gate, waivers=[waiver], today=date(2026, 1, 31)).passed
    assert not harness.judge(found, gate, waivers=[waiver], today=date(2026, 2, 1)).passed


def test_importing_harness_is_light_and_nothing_here_needs_torch() -> None:
    code = (
        "import sys, harness\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'torch'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not heavy, heavy\n"
        "rows = [{'id': k, 'score': k % 3} for k in range(9)]\n"
        "harness.judge(harness.compare(rows, rows), harness.Gate('g', metric='score', kind='superiority'))\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def scores(values: Any, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": range(len(values)), "score": values, **columns})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"candidate": "base"}, "both sides have the name 'base'"),
        ({"confidence": 95}, "confidence between 0 and 1, found 95"),
        ({"confidence": float("nan")}, "confidence between 0 and 1"),
        ({"resamples": 0}, "resamples to be a whole number of at least 1"),
        ({"resamples": 1e4}, "resamples to be a whole number"),
        ({"seed": -1}, "seed to be a whole number of at least 0"),
        ({"metrics": [harness.Mean("score", direction="up")]}, "found 'up'"),  # type: ignore[arg-type]
        ({"metrics": harness.Mean("score", direction="target")}, "finite `ideal`"),
        ({"metrics": harness.Mean("score", direction="target", ideal=float("nan"))}, "finite `ideal`"),
        ({"metrics": harness.Ratio("score", "words", direction="target")}, "expected a direction of higher, lower"),
        ({"metrics": ["score", harness.Mean("score", direction="lower")]}, "two metrics have the name 'score'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as raised:
        harness.compare(BASE, CANDIDATE, **options)
    assert words in str(raised.value)


@pytest.mark.parametrize("cell", [np.array([1.0, 2.0]), 10**400, 1j, "nan", "1_0", "", np.float32("nan"), np.inf])
def test_a_cell_that_is_no_finite_number_is_located(cell: Any) -> None:
    rows = [{"id": 1, "score": cell}, {"id": 2, "score": 1}]
    with pytest.raises(DataError, match="candidate, item '1', column 'score': expected a"):
        harness.compare([{"id": 1, "score": 1}, {"id": 2, "score": 1}], rows)


def test_one_measure_one_slice_column_and_an_index_need_no_list() -> None:
    ours, theirs = (frame.set_index("id") for frame in (BASE, CANDIDATE))
    found = harness.compare(ours, theirs, "score", slices="source")
    expected = harness.compare(BASE, CANDIDATE, ["score"], slices=["source"])
    assert found.to_dict() == expected.to_dict()


def test_whole_numbers_are_one_label_whatever_holds_them() -> None:
    kinds: list[Any] = [int, float, str, np.int8, np.float32]
    tables = [[{"id": kind(k), "target": kind(k % 2), "prediction": k % 3 % 2} for k in range(9)] for kind in kinds[:2]]
    tables += [
        [{"id": kind(k), "target": kind(k % 2), "prediction": kind(k % 3 % 2)} for k in range(9)] for kind in kinds[2:]
    ]
    for one in tables:
        found = harness.compare(tables[0], one, ["accuracy"], labels=[0, 1])  # type: ignore[list-item]
        assert found["accuracy"].identical
    rows = [{**row, "prediction": bool(row["prediction"])} for row in tables[0]]
    with pytest.raises(DataError, match="mix Boolean values and numbers"):
        harness.compare(tables[0], rows, ["accuracy"])


def test_no_column_of_a_csv_file_is_guessed_to_be_of_another_type_than_its_neighbor(tmp_path: Path) -> None:
    lines = [f"{k},{'true' if k % 2 else 'false'},{{}},{k % 3}.5,{'True' if k % 2 else 'False'}" for k in range(20)]
    words = ["true" if k % 2 else "false" for k in range(20)]
    for name, given in (("base", words), ("candidate", ["maybe", *words[1:]])):
        text = "\n".join(["id,target,prediction,score,flag", *map(str.format, lines, given)])
        (tmp_path / f"{name}.csv").write_text(text)
    found = harness.compare(tmp_path / "base.csv", tmp_path / "candidate.csv", ["accuracy", "score", "flag"])
    assert [found["accuracy"].baseline_value, found["accuracy"].candidate_value] == [1.0, 0.95]
    assert found["score"].baseline_value == pytest.approx(np.mean([k % 3 + 0.5 for k in range(20)]))
    assert found["flag"].baseline_value == 0.5


def test_csv_labels_keep_leading_zeros(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,target,prediction\n1,01,01\n2,02,none\n")
    (tmp_path / "b.csv").write_text("id,target,prediction\n1.0,01,01\n2.0,02,02\n")
    found = harness.compare(tmp_path / "a.csv", tmp_path / "b.csv", ["accuracy"])
    assert (found["accuracy"].baseline_value, found["accuracy"].candidate_value) == (0.5, 1.0)


def test_a_column_that_stands_twice_is_refused() -> None:
    twice = pa.table([[1, 2], [1, 2], [3, 4]], names=["id", "score", "score"])
    with pytest.raises(DataError, match="duplicate columns: score"):
        harness.compare(twice, twice)
    with pytest.raises(DataError, match="duplicate columns: 1"):
        harness.compare({"id": [1], 1: [2], "1": [3]}, {"id": [1]})


def test_a_slice_that_differs_between_the_sides_is_refused() -> None:
    other = changed(source=["moon", *CANDIDATE.source[1:]])
    with pytest.raises(DataError, match=r"1 items have different slices on the two sides \('i0'\)"):
        harness.compare(BASE, other, ["accuracy"], slices=["source"])


def test_comparisons_that_gates_cannot_tell_apart_are_refused() -> None:
    good, bad = harness.compare(BASE, CANDIDATE, ["accuracy"]), harness.compare(CANDIDATE, BASE, ["accuracy"])
    gate = harness.Gate("g", metric="accuracy", kind="superiority")
    with pytest.raises(DataError, match="a gate judges only one"):
        harness.judge([good, bad], gate)
    with pytest.raises(DataError, match="no comparison"):
        harness.judge([], gate)


def test_gates_on_levels_see_that_items_are_missing() -> None:
    found = harness.compare(BASE, CANDIDATE.iloc[:240], ["accuracy"], missing="drop")
    verdicts = harness.judge(found, harness.Gate("g", metric="accuracy", kind="absolute", min=0.1))
    assert [one.verdict for one in verdicts] == ["error"]
    assert "80.0%" in verdicts.results[0].sentence


@pytest.mark.parametrize("kind", ["superiority", "equivalence"])
def test_a_gate_says_why_there_is_no_interval(kind: str) -> None:
    values = np.random.default_rng(0).normal(size=120)
    found = harness.compare(scores(values, doc=1), scores(values * 1.1, doc=1), cluster="doc")
    margin = {"margin": 0.1} if kind == "equivalence" else {}
    verdicts = harness.judge(found, harness.Gate("g", metric="score", kind=kind, **margin))
    assert verdicts.results[0].verdict == "error"
    assert "all items are in one cluster" in verdicts.results[0].sentence


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "score"])
def test_one_rule_for_identical_sides(metric: str) -> None:
    truth = np.random.default_rng(1).choice(["a", "b"], 200)
    given = np.where(np.random.default_rng(2).random(200) < 0.8, truth, "a")
    side = {"id": list(range(200)), "target": list(truth), "prediction": list(given), "score": list(np.arange(200.0))}
    found = harness.compare(side, side, [metric])
    rules = [
        harness.Gate("kept", metric=metric, kind="non_inferiority", margin=0.0),
        harness.Gate("same", metric=metric, kind="equivalence", margin=0.01),
        harness.Gate("better", metric=metric, kind="superiority"),
    ]
    verdicts = harness.judge(found, rules)
    assert [one.verdict for one in verdicts] == ["pass", "pass", "fail"]
    assert all("identical on every item" in one.sentence for one in verdicts)


def test_a_constant_shift_is_judged_as_it_is_and_named() -> None:
    values = np.random.default_rng(0).normal(size=120)
    found = harness.compare(scores(values), scores(values + 0.5))
    (verdict,) = harness.judge(found, harness.Gate("g", metric="score", kind="superiority", margin=0.4))
    assert verdict.verdict == "pass"
    assert "same amount" in verdict.sentence


def test_noise_of_scoring_is_no_difference() -> None:
    nll = np.random.default_rng(0).gamma(9, 10, 150)
    side = {"id": list(range(150)), "nll": list(nll), "bytes": [80.0] * 150}
    noisy = {**side, "nll": list(nll * (1 - 1e-7))}
    bits = harness.Ratio("nll", "bytes", direction="lower", unit="nats/byte")
    (row,) = harness.compare(side, noisy, [bits])
    assert row.identical
    assert any("within tolerance" in text for text in row.weaknesses)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_size_of_the_numbers_changes_nothing(size: float) -> None:
    rng = np.random.default_rng(3)
    base, candidate = rng.normal(size=(2, 60))
    row = harness.compare(scores(base * size), scores(candidate * size))["score"]
    plain = stats.ttest_rel(candidate, base)
    assert row.p == pytest.approx(plain.pvalue)
    assert row.delta.low is not None
    assert row.delta.low / size == pytest.approx(plain.confidence_interval().low)
    assert row.required_n == harness.compare(scores(base), scores(candidate))["score"].required_n


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_numbers_beyond_floats_are_undefined() -> None:
    row = harness.compare(scores([1.7e308] * 5), scores([-1.7e308] * 5))["score"]
    assert (row.status, row.delta.value, row.delta.low) == ("undefined", None, None)


def test_no_gates_is_none_and_has_not_passed() -> None:
    rows = [{"id": number, "score": number % 3} for number in range(200)]
    verdicts = harness.judge(harness.compare(rows, rows), [])
    assert (verdicts.overall.overall, verdicts.overall.exit_code, verdicts.passed) == ("none", 2, False)
    assert "no gates: nothing was judged" in str(verdicts)
    with pytest.raises(harness.GateFailedError, match="no gates: nothing was judged"):
        verdicts.check()


def test_comparing_warns_of_rows_that_may_have_been_trained_on() -> None:
    rows = [{"id": str(n), "target": "a", "prediction": "a"} for n in range(4)]
    with pytest.warns(harness.UnknownTrainingWarning, match="rows may have been trained on"):
        harness.compare(rows, rows, metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        harness.compare(rows, rows, metrics=["accuracy"], held_out=True)


def test_limits_are_held_against_range_and_direction_of_a_table_s_metrics() -> None:
    losses = [{"id": number, "loss": 1.0 + number % 3} for number in range(200)]
    worse = [{**row, "loss": 4 * row["loss"]} for row in losses]
    found = harness.compare(losses, worse, metrics=[harness.Mean("loss", direction="lower")])
    verdicts = harness.judge(found, harness.Gate("g", metric="loss", kind="absolute", min=3.0))
    assert (verdicts.results[0].verdict, verdicts.overall.exit_code) == ("error", 12)
    assert "better lower, so `min` alone" in verdicts.results[0].sentence
    right = [{"id": number, "target": "ab"[number % 2], "prediction": "ab"[number % 2]} for number in range(200)]
    wrong = [{**row, "prediction": "ba"[int(row["id"]) % 2]} for row in right]
    shares = harness.compare(right, wrong, metrics=["accuracy"])
    rules = [
        harness.Gate("a", metric="accuracy", kind="absolute", min=-1),
        harness.Gate("b", metric="accuracy", kind="non_inferiority", margin=5),
        harness.Gate("c", metric="accuracy", kind="non_inferiority", margin="2%"),
    ]
    assert [one.verdict for one in harness.judge(shares, rules)] == ["error", "error", "fail"]
