from __future__ import annotations

from harness.core.records import FAILED, OK, Record, Records, RecordsHead
from harness.gates.flip_rule import tag_flips


def records(model: str, correct: dict[str, float], *, failed: tuple[str, ...] = ()) -> Records:
    head = RecordsHead("reviews", model, "head")
    rows = [
        Record(
            name,
            name,
            status=FAILED if name in failed else OK,
            tags=("critical",) if name < "c" else (),
            stats={} if name in failed else {"correct": value},
        )
        for name, value in correct.items()
    ]
    return Records.of(head, rows)


def test_counts_broken_items_with_the_tag() -> None:
    base = records("base", {"a": 1, "b": 1, "c": 1, "d": 0})
    tuned = records("tuned", {"a": 1, "b": 0, "c": 0, "d": 1})
    tagged = tag_flips([base], [tuned], "critical", baseline="base", candidate_name="tuned")
    assert (tagged.n, tagged.broken) == (2, ("b",))
    assert tag_flips([base], [tuned], None, baseline="base", candidate_name="tuned").broken == ("b", "c")


def test_an_item_without_an_answer_counts_as_broken_and_a_missing_one_is_an_error() -> None:
    base = records("base", {"a": 1, "b": 1})
    failed = tag_flips([base], [records("t", {"a": 1, "b": 0}, failed=("b",))], None, baseline="b", candidate_name="t")
    assert failed.broken == ("b",)
    missing = tag_flips([base], [records("t", {"a": 1})], None, baseline="base", candidate_name="t")
    assert missing.n == 0
    assert missing.reason is not None
    assert "lacks 1 of the 2" in missing.reason


def test_every_training_seed_counts() -> None:
    base, good = records("base", {"a": 1, "b": 1}), records("t", {"a": 1, "b": 1})
    bad = records("t", {"a": 1, "b": 0})
    assert tag_flips([base], [good, bad], None, baseline="base", candidate_name="t").broken == ("b",)
    # What the baseline gets right by luck of one seed is not held against the model.
    assert tag_flips([base, bad], [bad], None, baseline="base", candidate_name="t").broken == ()
