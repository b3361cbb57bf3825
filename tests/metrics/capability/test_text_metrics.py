"""Span F1, answers, translation, summaries and multi-label F1 against the libraries of the field."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of
from harness.metrics.capability.bleu_chrf_ter import signature, translation_statistics
from harness.metrics.capability.multilabel_f1 import label_counts
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.span_f1 import PREFIXES, Scheme, span_statistics, spans

KINDS = ("person", "place")
WORDS = ["the", "cat", "sat", "on", "mat", "a", ",", "?", "Nobody's", "dog-house", "3.5", "years", "."]


def records_of(rows: Sequence[dict[str, float]]) -> Records:
    made = [Record(f"{place:05}", "d", stats=row) for place, row in enumerate(rows)]
    return Records.of(RecordsHead("e", "m", "p"), made)


def value(name: str, rows: Sequence[dict[str, float]], labels: tuple[str, ...] = KINDS) -> float:
    (metric,) = build_metrics([name], MetricContext(labels=labels))
    stats = metric.stats(records_of(rows))
    return float(metric.value(stats.sum(axis=0), float(len(rows))))


def tags(scheme: Scheme) -> st.SearchStrategy[list[list[str]]]:
    prefixes = PREFIXES[scheme]
    one = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in KINDS)])
    return st.lists(st.lists(one, min_size=1, max_size=9), min_size=1, max_size=4)


def touching_only(tags: list[str]) -> list[str]:
    """The tags with `B-` only right after a tag of the same type."""
    return [
        f"I{tag[1:]}" if tag[0] == "B" and (not place or tags[place - 1][2:] != tag[2:]) else tag
        for place, tag in enumerate(tags)
    ]


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "iobes", "bilou"])
def test_span_f1_is_that_of_seqeval_in_strict_mode(scheme: Scheme) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    schemes = pytest.importorskip("seqeval.scheme")
    theirs = getattr(schemes, scheme.upper())

    @settings(max_examples=150)
    @given(tags(scheme), st.randoms(use_true_random=False))
    def check(gold: list[list[str]], chance: random.Random) -> None:
        flat = [tag for row in gold for tag in row]
        predicted = [[tag if chance.random() < 0.7 else chance.choice(flat) for tag in row] for row in gold]
        if scheme == "iob1":  # where `B-` follows no span of its type, seqeval has no rule of its own
            gold, predicted = ([touching_only(row) for row in rows] for rows in (gold, predicted))
        rows = [span_statistics(g, p, KINDS, scheme) for g, p in zip(gold, predicted, strict=True)]
        kwargs: dict[str, Any] = {"mode": "strict", "scheme": theirs, "zero_division": 0}
        known = sum(row["spans_gold"] + row["spans_predicted"] for row in rows)
        ours = value("span_f1", rows)
        if known:
            assert ours == pytest.approx(float(seqeval.f1_score(gold, predicted, **kwargs)), abs=1e-12)
            types = {s[0] for t in (*gold, *predicted) for s in spans(t, scheme)[0]}
            wanted = {s[0] for t in gold for s in spans(t, scheme)[0]}
            if wanted:
                each = dict(zip(sorted(types), seqeval.f1_score(gold, predicted, average=None, **kwargs), strict=True))
                macro = np.mean([each[kind] for kind in wanted])
                assert value("span_f1_macro", rows) == pytest.approx(macro, abs=1e-12)
        else:
            assert np.isnan(ours)

    check()


def test_spans_read_only_what_the_scheme_allows() -> None:
    assert spans(["I-person", "B-person", "I-person", "I-place", "O"]) == ([("person", 1, 3)], 2)
    assert spans(["B-person", "I-person", "O"], "iobes") == ([], 2)
    assert spans(["B-person", "E-person", "S-place", "E-place"], "iobes") == ([("person", 0, 2), ("place", 2, 3)], 1)
    counts = span_statistics(["B-place", "I-place"], ["I-place", ""], KINDS)
    assert (counts["malformed"], counts["spans_predicted"], counts["spans_gold"]) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("answer", "accepted", "exact", "f1"),
    [
        ("The Eiffel-Tower!", ["eiffeltower"], 1.0, 1.0),
        ("an old mill", ["the mill", "mill by a river"], 0.0, 2 / 3),
        ("", [], 1.0, 1.0),
        ("the", [], 1.0, 1.0),
        ("Berlin", [], 0.0, 0.0),
        ("", ["Berlin"], 0.0, 0.0),
        ("red red cat", ["red cat"], 0.0, 0.8),
        ("Paris", ["", "paris"], 1.0, 1.0),
    ],
)
def test_answers_follow_the_rules_of_squad(answer: str, accepted: list[str], exact: float, f1: float) -> None:
    assert exact_match_of(answer, accepted) == exact
    assert answer_f1_of(answer, accepted) == pytest.approx(f1)


SENTENCE = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
CORPUS = st.lists(st.tuples(SENTENCE, st.lists(SENTENCE, min_size=2, max_size=2)), min_size=1, max_size=6)


@settings(max_examples=120)
@given(CORPUS)
def test_corpus_scores_equal_those_of_sacrebleu(corpus: list[tuple[str, list[str]]]) -> None:
    from sacrebleu.metrics import BLEU, CHRF, TER

    given_, references = [text for text, _ in corpus], [[refs[place] for _, refs in corpus] for place in range(2)]
    rows = [translation_statistics(text, refs) for text, refs in corpus]
    for name, scorer in (("bleu", BLEU()), ("chrf", CHRF()), ("ter", TER())):
        assert value(name, rows) == pytest.approx(scorer.corpus_score(given_, references).score, abs=1e-9), name


def test_the_number_of_references_may_vary_and_stands_in_the_signature() -> None:
    rows = [translation_statistics("a b c d e", ["a b c d e"]), translation_statistics("x", ["y", "x", "z"])]
    assert value("ter", rows) == 0.0
    assert signature("bleu", None).startswith("nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert signature("chrf", 2).startswith("nrefs:2|case:mixed")
    with pytest.raises(ValueError, match="reference"):
        translation_statistics("a", [])


@settings(max_examples=80)
@given(
    st.lists(SENTENCE, min_size=1, max_size=3).map("\n".join), st.lists(SENTENCE, min_size=1, max_size=3).map("\n".join)
)
def test_rouge_equals_the_rouge_score_package(answer: str, reference: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer")
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    theirs = scorer.RougeScorer(names, use_stemmer=False).score(reference, answer)
    ours = rouge_statistics(answer, [reference])
    for name in names:
        assert ours[name] == pytest.approx(theirs[name].fmeasure, abs=1e-12), name


def test_rouge_takes_the_best_reference() -> None:
    assert rouge_statistics("a red cat", ["nothing here", "red cat"])["rouge1"] == pytest.approx(0.8)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc"))), min_size=1, max_size=8))
def test_multi_label_f1_equals_scikit_learn(rows: list[tuple[set[str], set[str]]]) -> None:
    from sklearn.metrics import f1_score

    gold = np.array([[label in one for label in "abc"] for one, _ in rows], dtype=int)
    predicted = np.array([[label in one for label in "abc"] for _, one in rows], dtype=int)
    counted = [label_counts(one, other, "abc") for one, other in rows]
    labels = ("a", "b", "c")
    if gold.any() or predicted.any():
        expected = f1_score(gold, predicted, average="micro", zero_division=0)
        assert value("f1_multilabel_micro", counted, labels) == pytest.approx(expected)
    wanted = gold.any(axis=0)
    if wanted.any():
        macro = np.mean(f1_score(gold, predicted, average=None, zero_division=0)[wanted])
        assert value("f1_multilabel_macro", counted, labels) == pytest.approx(macro)
    samples = f1_score(gold, predicted, average="samples", zero_division=1)
    assert value("f1_multilabel_samples", counted, labels) == pytest.approx(samples)
