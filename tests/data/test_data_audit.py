"""The data audit: counts by hand, intervals by an oracle, and lexicons that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_support.plain_models import dataset
from statsmodels.stats.proportion import proportion_confint

from harness.core.errors import DataError
from harness.data.data_audit import audit, read_groups
from harness.data.data_quality import rate_tests
from harness.text.cooccurrence import counts, own_words
from harness.text.lexicons.group_words import GroupWords

GROUPS = GroupWords({"north": ("Oslo",), "south": ("Rome", "blue sea"), "east": ("Delhi",)})
ROWS = [
    {"text": "Oslo and Rome. The nurse left Oslo.", "label": "bad"},
    {"text": "The blue  sea. A nurse swam.", "label": "good"},
    {"text": "Nothing here.", "label": "good"},
    {"text": "Rome! A nurse of Rome, a pilot of Rome.", "label": "good"},
]


def rows_of(table: list[dict[str, Any]], **wanted: str) -> list[dict[str, Any]]:
    return [row for row in table if all(row[key] == value for key, value in wanted.items())]


def test_counts_and_label_rates_by_hand() -> None:
    found = audit(dataset(ROWS), "test", label="label", groups=GROUPS, lexicon="own")
    assert (found.texts, found.texts_with_a_group) == (4, 3)
    by_group = {row["group"]: row for row in found.groups}
    assert [by_group[name]["texts"] for name in GROUPS.groups] == [1, 3, 0]
    assert [by_group[name]["words"] for name in GROUPS.groups] == [2, 5, 0]
    low, high = proportion_confint(3, 4, method="wilson")
    assert (by_group["south"]["low"], by_group["south"]["high"]) == pytest.approx((low, high))
    (good,) = rows_of(found.labels, group="south", label="good")
    assert (good["texts"], good["of"], good["share"]) == (2, 3, pytest.approx(2 / 3))
    (nobody,) = rows_of(found.labels, group="east", label="good")
    assert (nobody["of"], nobody["share"], nobody["low"]) == (0, None, None)
    assert any("'east': insufficient evidence" in note for note in found.notes)
    assert any(note == "1 words of the lexicon never occur: Delhi" for note in found.notes)
    assert {row["group"] for row in found.examples} == {"north", "south"}


def test_words_meet_groups_in_one_sentence() -> None:
    texts = [(row["text"], str(place)) for place, row in enumerate(ROWS)]
    found = counts(texts, GROUPS, own_words())
    # "A nurse swam." stands in another sentence than the sea.
    assert found == {("nurse", "north"): 1, ("nurse", "south"): 1, ("pilot", "south"): 1}
    many = audit(dataset([ROWS[0]] * 3 + [ROWS[3]] * 3), "test", groups=GROUPS)
    (north,) = rows_of(many.co_occurrence, word="nurse", group="north")
    assert (north["sentences"], north["of"], north["share"]) == (3, 6, 0.5)
    assert not rows_of(many.co_occurrence, word="pilot")
    named = GroupWords({"stage": ("actor",), "hall": ("Rome",)})
    assert not counts([("An actor of Rome.", "0")], named, own_words())


def test_rows_of_one_cluster_count_as_one() -> None:
    alike = [{**ROWS[place % 2], "cluster": f"c{place % 2}"} for place in range(40)]
    apart = [ROWS[place % 2] for place in range(40)]
    first, second = (audit(dataset(rows), "test", groups=GROUPS).groups[0] for rows in (alike, apart))
    assert first["share"] == second["share"] == 0.5
    assert first["high"] - first["low"] > second["high"] - second["low"]


def test_columns_and_splits_that_are_none() -> None:
    with pytest.raises(DataError, match="unknown column 'body'"):
        audit(dataset(ROWS), "test", text="body")
    with pytest.raises(DataError, match="unknown split 'train'"):
        audit(dataset(ROWS), "train")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("group,word\nnorth,Oslo\n", "words of two groups or more, found 1"),
        ("group,word\nnorth,\nsouth,Rome\n", "a group and a word in every line"),
        ("kind,word\nnorth,Oslo\n", "a group and a word in every line"),
    ],
)
def test_lexicons_that_do_not_fit(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=why):
        read_groups(path)
    with pytest.raises(DataError, match="found nothing"):
        read_groups(tmp_path / "none.csv")


def test_a_word_may_stand_in_two_groups(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("group,word,pair\nnorth,Oslo,1\nsouth,Rome,1\nsouth,Oslo,2\n", "utf-8")
    assert sorted(read_groups(path).found("in Oslo")) == ["north", "south"]


STEWARD = [
    {"text": "Oslo is fine. Write to ada@example.org or call +47 22 33 44 55.", "label": "good"},
    {"text": "oslo is  fine. write to ADA@example.org or call +47 22 33 44 55.", "label": "bad"},
    {"text": "  ", "label": "bad"},
    {
        "text": "Card 4111 1111 1111 1111, not 4111 1111 1111 1112; IBAN DE89 3704 0044 0532 0130 00; 192.168.0.1",
        "label": "",
    },
    {"text": "Rome was founded in 753 and 2024-01-10 is a date, 3.14.15 none.", "label": "good"},
]


def test_what_a_steward_asks_first() -> None:
    quality = audit(dataset(STEWARD), "test", label="label", groups=GROUPS).quality
    assert (quality["rows"], quality["empty"], quality["duplicates"]) == (5, 1, 1)
    assert (quality["contradictory_duplicates"], quality["missing_labels"]) == (1, 1)
    assert quality["labels"] == {"bad": 2, "good": 2}
    assert quality["personal"] == {
        "IBAN": 1,
        "IP address": 1,
        "e-mail address": 2,
        "payment card number": 1,
        "telephone number": 2,
    }


def test_label_rates_between_groups_against_scipy() -> None:
    from scipy.stats import fisher_exact

    rows = [
        {"text": f"{city} number {k}", "label": "good" if k < good else "bad"}
        for city, good in (("Oslo", 9), ("Rome", 3))
        for k in range(12)
    ]
    tests = audit(dataset(rows), "test", label="label", groups=GROUPS).rate_tests
    (good,) = rows_of(tests, label="good", group="north", other="south")
    assert good["p"] == pytest.approx(fisher_exact([[9, 3], [3, 9]]).pvalue)
    assert good["p_adjusted"] == pytest.approx(2 * good["p"])
    assert not rows_of(tests, group="east")


def test_whole_clusters_are_worth_one_text() -> None:
    rows = [
        {"text": f"{city} {k}", "label": "good" if city == "Oslo" else "bad", "cluster": city}
        for city in ("Oslo", "Rome")
        for k in range(50)
    ]
    labels = [row["label"] for row in rows]
    groups = [frozenset({"north" if row["cluster"] == "Oslo" else "south"}) for row in rows]
    (bad, _) = rate_tests(labels, groups, [row["cluster"] for row in rows], ["north", "south"])
    assert bad["p"] > 0.1


def test_lift_is_the_share_over_the_base_rate() -> None:
    rows = [{"text": text} for text in ["A nurse of Oslo."] * 6 + ["Rome is old."] * 18]
    table = audit(dataset(rows), "test", groups=GROUPS).co_occurrence
    (north,) = rows_of(table, word="nurse", group="north")
    assert (north["share"], north["base_rate"], north["lift"]) == (1.0, 0.25, 4.0)
