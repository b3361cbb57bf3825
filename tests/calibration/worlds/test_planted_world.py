"""The planted world: what is planted, and that nothing else is."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.calibration.worlds.planted_probes import PARTS
from harness.calibration.worlds.planted_vocabulary import HURTFUL, OCCUPATIONS, PEOPLE, PRONOUNS
from harness.calibration.worlds.planted_world import rows, world
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.schema.suite.data_refs import SourceRef
from harness.storage.store import Store
from harness.text.lexicons.builtin_lists import described_words, gender_words, hurtful_words

SEEDS = st.integers(0, 10_000)
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""The doses that are calibrated with."""


def _as_planted(p: float, seed: int) -> tuple[int, int]:
    """(as planted, all) of the corpus's sentences about one person with an occupation, read from the text."""
    made, counted = world(seed), Counter[bool]()
    for row in rows(part="corpus", p=p, seed=seed, size=2000):
        if row["kind"] == "occupation":
            words = str(row["text"]).rstrip(".").split()
            (occupation,) = set(words) & set(OCCUPATIONS)
            counted[PRONOUNS[made.leaning(occupation)] in words] += 1
    return counted[True], counted.total()


@given(seed=SEEDS, p=st.sampled_from(LEVELS))
@settings(max_examples=25, deadline=None)
def test_the_planted_rate_lies_in_its_interval(seed: int, p: float) -> None:
    hit, n = _as_planted(p, seed)
    # 1e-6 two-sided: 25 examples fail by chance once in 40,000 runs.
    assert stats.binomtest(hit, n, p).pvalue > 1e-6


@given(seed=SEEDS)
@settings(max_examples=50, deadline=None)
def test_half_of_the_occupations_lean_each_way(seed: int) -> None:
    made = world(seed)
    assert len(made.female) == len(made.male) == 10
    assert set(made.female) | set(made.male) == set(OCCUPATIONS)
    assert world(seed) == made


def test_leanings_and_targets_are_drawn_evenly_over_worlds() -> None:
    worlds = [world(seed) for seed in range(400)]
    for occupation in OCCUPATIONS:
        assert abs(sum(occupation in one.female for one in worlds) - 200) < 5 * math.sqrt(100)
    assert abs(sum(one.target == "female" for one in worlds) - 200) < 5 * math.sqrt(100)


@given(seed=SEEDS, p=st.sampled_from(LEVELS))
@settings(max_examples=10, deadline=None)
def test_no_sentence_of_a_probe_is_in_the_corpus(seed: int, p: float) -> None:
    corpus = {row["text"] for row in rows(part="corpus", p=p, seed=seed)}
    for part in PARTS:
        assert not corpus & {value for row in rows(part=part, seed=seed) for value in row.values()}


@pytest.mark.parametrize("part", ["corpus", "labels", *PARTS])
def test_equal_seeds_give_equal_rows_and_others_do_not(part: str) -> None:
    assert list(rows(part=part, p=0.8, seed=3)) == list(rows(part=part, p=0.8, seed=3))
    if part not in ("called", "genders"):  # these ask the same of every world
        assert list(rows(part=part, p=0.8, seed=3)) != list(rows(part=part, p=0.8, seed=4))


@pytest.mark.parametrize("part", ["corpus", "labels"])
def test_worlds_of_one_seed_differ_in_the_dose_only(part: str) -> None:
    fair, skewed = (list(rows(part=part, p=p, seed=5)) for p in (0.5, 0.9))
    other = sum(one != two for one, two in zip(fair, skewed, strict=True)) / len(fair)
    # Where the draw falls between 0.5 and 0.9 the text turns round; clear opinions never do.
    assert other < 0.45
    assert list(rows(part=part, p=0.9, seed=5, size=10))[:10] == skewed[:10]


def test_a_fair_world_calls_both_groups_alike_and_a_skewed_one_does_not() -> None:
    def share(p: float, group: str) -> float:
        called = [str(row["text"]) for row in rows(part="corpus", p=p, seed=0, size=8000) if row["kind"] == "called"]
        mine = [text for text in called if set(text.rstrip(".").split()) & set(PEOPLE[group])]
        return sum(text.rstrip(".").split()[-1] in HURTFUL for text in mine) / len(mine)

    target = world(0).target
    other = "male" if target == "female" else "female"
    assert abs(share(0.5, target) - share(0.5, other)) < 0.12
    assert share(0.9, target) > 0.85
    assert share(0.9, other) < 0.15


def test_labels_are_biased_in_training_and_even_in_the_test() -> None:
    made = world(2)
    found = list(rows(part="labels", p=0.9, seed=2))

    def negative(split: str, group: str) -> float:
        mine = [row for row in found if (row["split"], row["group"], row["opinion"]) == (split, group, "neutral")]
        return sum(row["label"] == "negative" for row in mine) / len(mine)

    other = "male" if made.target == "female" else "female"
    assert negative("train", made.target) > 0.8
    assert negative("train", other) < 0.2
    assert negative("test", made.target) == pytest.approx(negative("test", other), abs=0.1)
    trained = {row["text"] for row in found if row["split"] == "train"}
    assert not trained & {row["text"] for row in found if row["split"] != "train"}


def test_the_built_in_lists_know_its_words() -> None:
    assert all(described_words()[occupation] == "occupation" for occupation in OCCUPATIONS)
    assert set(HURTFUL) <= set(hurtful_words())
    for group, words in PEOPLE.items():
        assert set(words) <= set(gender_words().words(group))


def test_a_suite_opens_it_like_other_generated_data(tmp_path: Path) -> None:
    ref = SourceRef(source="planted_world", options={"part": "pairs", "seed": 7})
    made = open_dataset(ref, name="pairs", base=tmp_path, store=Store(tmp_path / "store"), reporter=Silent())
    assert len(made.split("test")) == 160
    assert len({row.cluster for row in made.split("test")}) == len(OCCUPATIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"part": "poem"}, "no part 'poem'"),
        ({"p": 1.5}, "probability p"),
        ({"p": True}, "probability p"),
        ({"seed": -1}, "seed"),
        ({"size": 0}, "size"),
        ({"against": "cats"}, "against"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(rows(**options))  # type: ignore[arg-type]


def test_the_source_of_earlier_versions_is_an_error_that_names_the_new_one(tmp_path: Path) -> None:
    ref = SourceRef(source="generated", options={"generator": "planted_world", "part": "pairs"})
    with pytest.raises(DataError, match="source of its own") as caught:
        open_dataset(ref, name="pairs", base=tmp_path, store=Store(tmp_path / "store"), reporter=Silent())
    assert "source: planted_world" in str(caught.value)


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    ref = SourceRef(source="planted_world", options={"prt": "pairs"})
    with pytest.raises(DataError, match="Did you mean 'part'"):
        open_dataset(ref, name="pairs", base=tmp_path, store=Store(tmp_path / "store"), reporter=Silent())
