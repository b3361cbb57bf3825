import pytest
from harness_support.record_samples import head, made, scored

from harness.comparisons.comparability import comparability, refusal
from harness.comparisons.confusion_reliability import tables
from harness.comparisons.flips import flips, moved_items
from harness.core.records import RecordsHead

NAMES = {"evaluation": "reviews", "baseline": "base", "candidate_name": "tuned"}


def _side(correct: list[float], margins: list[float | None], predictions: list[str]):
    return made(scored(correct, margin=lambda row: margins[row], prediction=lambda row: predictions[row]))


def test_flips_are_the_two_by_two_table() -> None:
    base = _side([1, 0, 1, 0, 0], [1, -1, 1, -1, -1], ["a", "b", "a", "b", "b"])
    tuned = _side([1, 1, 0, 0, 0], [1, 1, -1, -1, -1], ["a", "a", "b", "b", "c"])
    found = flips(base, tuned, **NAMES)
    assert (found.both_right, found.fixed, found.broken, found.both_wrong, found.changed_wrong) == (1, 1, 1, 2, 1)


def test_no_flips_without_right_and_wrong() -> None:
    rows = made([{"stats": {"margin": 1.0}}])
    assert flips(rows, rows, **NAMES) is None
    other = made([{"item_digest": "other", **row} for row in scored([1])])
    assert flips(made(scored([1])), other, **NAMES) is None


def test_moved_items_are_ranked_by_margin() -> None:
    base = _side([1, 0, 1, 0, 1], [2.0, -1.0, 0.5, -3.0, 1.0], ["a", "b", "a", "b", "a"])
    tuned = _side([1, 1, 0, 0, 1], [1.0, 4.0, -0.1, -3.0, 1.5], ["a", "a", "b", "c", "a"])
    found = moved_items(base, tuned, 10)
    assert [(item.item_id, item.kind) for item in found] == [
        ("i001", "fixed"),
        ("i000", "moved"),
        ("i002", "broken"),
        ("i004", "moved"),
        ("i003", "both_wrong"),
    ]
    assert (found[0].base_margin, found[0].candidate_margin) == (-1.0, 4.0)
    assert [item.item_id for item in moved_items(base, tuned, 2)] == ["i001", "i000"]
    assert moved_items(base, tuned, 0) == []


def test_items_that_stay_are_not_moved_and_missing_margins_do_no_harm() -> None:
    base = _side([1, 0], [1.0, None], ["a", "b"])
    tuned = _side([1, 1], [1.0, None], ["a", "a"])
    [found] = moved_items(base, tuned, 5)
    assert (found.item_id, found.kind, found.base_margin) == ("i001", "fixed", None)
    assert moved_items(base, base, 5) == []


def test_probe_items_without_right_answers_are_moved() -> None:
    base, tuned = (made([{"stats": {"shift": 0.1}, "margin": value}]) for value in (0.1, 0.4))
    assert moved_items(base, tuned, 5)[0].kind == "moved"


def test_confusion_counts_gold_by_predicted() -> None:
    gold, predicted = ["no", "no", "yes", "yes", "yes"], ["no", "yes", "yes", "yes", "perhaps"]
    records = made(scored([1] * 5, target=lambda row: gold[row], prediction=lambda row: predicted[row]))
    [found] = tables(records, ["no", "yes"], evaluation="reviews", model="base")
    assert found.rows == ["no", "yes"]
    assert found.columns == ["no", "yes", "(other)"]
    assert found.values == [[1, 1, 0], [0, 2, 1]]


def test_reliability_has_right_closed_bins() -> None:
    rows = [{"stats": {"confidence": c, "correct": r}} for c, r in [(1.0, 1), (0.2, 0), (0.19, 1), (0.0, 0), (0.9, 1)]]
    [found] = tables(made(rows), [], evaluation="reviews", model="base", bins=5)
    assert found.columns == ["lower", "upper", "n", "confidence", "accuracy"]
    assert [row[2] for row in found.values] == [3, 0, 0, 0, 2]
    assert found.values[0][3:] == pytest.approx([0.13, 1 / 3])
    assert found.values[1][3:] == [None, None]
    assert found.values[-1][1] == 1.0


def test_unread_items_stand_in_no_table() -> None:
    records = made([{"status": "unread", "target": "no", "prediction": None}])
    assert tables(records, ["no"], evaluation="reviews", model="base") == []


def test_comparability_names_what_differs() -> None:
    same = {"tokenizer_digest": "t", "max_length": 64, "dtype": "float32"}
    assert comparability(head("head", **same), head("head", **same)) == []
    notes = comparability(head("cloze", **same), head("head", tokenizer_digest="u", max_length=128, dtype="bfloat16"))
    assert len(notes) == 4
    assert any("64" in note and "128" in note for note in notes)


def test_the_beginning_of_texts_is_a_fact_of_its_own() -> None:
    assert comparability(head(max_length=None), head(max_length=512)) == [
        "maximum length: baseline none, candidate 512."
    ]
    told = comparability(head(bos="<s> before every text"), head(bos="nothing before a text"))
    assert told == ["BOS policy: baseline <s> before every text, candidate nothing before a text."]
    for other in (head(), head(bos=None)):
        assert comparability(head(bos="x"), other) == [], "what one side does not know is no difference"


def asked(**content: object) -> RecordsHead:
    return head(asked={"content": {"protocol": "generation", **content}, "digest": "d" * 64})


def test_differences_in_what_was_asked_are_labeled_with_both_texts() -> None:
    assert comparability(asked(prompt="Q: {question}"), asked(prompt="Q: {question}")) == []
    told = comparability(asked(prompt="Q: {question}", stop=["\n"]), asked(prompt="{question}?", stop=["\n", "."]))
    assert told == [
        'prompt: baseline "Q: {question}", candidate "{question}?".',
        'stop: baseline ["\\n"], candidate ["\\n", "."].',
    ]
    told = comparability(asked(), asked(template="[user] one [assistant] two"))
    assert told == ['chat template: baseline none, candidate "[user] one [assistant] two".']
    (long,) = comparability(asked(words=["x" * 500]), asked(words=["x" * 499 + "y"]))
    assert long.count("… (") == 2, "long texts are cut, and told apart by their digests"


def test_what_only_one_side_knows_of_its_questions_is_said() -> None:
    assert comparability(head(), head()) == []
    assert comparability(asked(prompt="x"), head()) == [
        "the records of the candidate do not hold how it was asked (prompt, words, stop rules, filters, scorer)."
    ]


def test_records_of_two_evaluations_are_not_compared() -> None:
    from harness_support.record_samples import ACCURACY

    assert "different evaluations" in refusal(head(), RecordsHead("other", "d", "head"), ACCURACY)
