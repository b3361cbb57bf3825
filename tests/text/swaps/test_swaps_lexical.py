"""Swaps of given names between groups, and of the words of a user's own lexicon."""

from harness.text.lexicons.builtin_lists import given_names, name_counterpart
from harness.text.lexicons.lexicon import Lexicon, parse_lexicon
from harness.text.swaps.swap import swap

FAITH = parse_lexicon(
    "group,word,pair\nmuslim,mosque,house\nchristian,church,house\njewish,synagogue,house\n"
    "muslim,imam,leader\nchristian,priest,leader\njewish,rabbi,leader\nmuslim,muslim,self\nchristian,christian,self\n",
    name="faith",
    source="faith.csv",
)
AGE = Lexicon(
    "age",
    parse_lexicon("group,word\nold,old man\nyoung,young man\nold,elderly\nyoung,young", name="a", source="a").entries,
)


def _texts(text: str, kind: str | Lexicon = "names") -> dict[tuple[str, str], str]:
    return {(found.from_group, found.to_group): found.text for found in swap(text, (kind,))}


def test_a_name_goes_to_every_other_group_with_gender_and_length_kept() -> None:
    found = _texts("I asked Keisha about her phone.")
    assert {to for _, to in found} == {"white", "hispanic", "asian"}
    for text in found.values():
        name = text.split()[2]
        assert len(name) == len("Keisha")
        assert given_names()[name].gender == "female"
        assert text.endswith("about her phone.")


def test_names_of_a_group_swap_back() -> None:
    for word, name in given_names().items():
        if name.group == "black":
            there = name_counterpart(word, group="white")
            assert there is not None
            assert name_counterpart(there, group="black") == word


def test_two_groups_change_places() -> None:
    found = _texts("Jamal met Scott.")
    assert ("mixed", "mixed") in found
    assert found[("mixed", "mixed")] != "Jamal met Scott."
    assert {("black", "hispanic"), ("white", "hispanic")} <= set(found)


def test_a_common_name_goes_to_the_groups_but_nothing_comes_back() -> None:
    found = _texts("We met Paul there.")
    assert {source for source, _ in found} == {"common"}
    assert not any(to == "common" for _, to in _texts("We met Jamal there."))


def test_whole_names_places_and_mentions_are_not_touched() -> None:
    for text in (
        "Emily Blunt sang.",
        "near San Jose",
        "@Emily #Emily",
        "emily",
        "Emily-Jane sang",
        "Paul and Ann Smith",
    ):
        assert _texts(text) == {}


def test_a_person_once_named_in_full_stays_in_the_whole_text() -> None:
    assert _texts("Emily Blunt sang. Emily smiled.") == {}


def test_the_kind_of_the_suite_page_is_the_same_kind() -> None:
    assert swap("I met Jamal.", ("race_names",)) == swap("I met Jamal.", ("names",))


def test_a_lexicon_of_three_groups_gives_two_variants() -> None:
    assert _texts("An imam at the Mosque", FAITH) == {
        ("muslim", "christian"): "A priest at the Church",
        ("muslim", "jewish"): "A rabbi at the Synagogue",
    }


def test_words_without_counterpart_stay() -> None:
    found = _texts("a muslim in the mosque", FAITH)
    assert found[("muslim", "jewish")] == "a muslim in the synagogue"
    assert found[("muslim", "christian")] == "a christian in the church"


def test_two_groups_of_a_lexicon_change_places_and_a_third_comes_in() -> None:
    found = _texts("the church and the mosque", FAITH)
    assert found[("mixed", "mixed")] == "the mosque and the church"
    assert found[("christian", "jewish")] == "the synagogue and the mosque"


def test_phrases_go_before_the_words_in_them() -> None:
    assert _texts("The old man is elderly.", AGE) == {("old", "young"): "The young man is young."}


def test_parts_of_words_and_hashtags_are_not_words() -> None:
    assert swap("churches #church church_", (FAITH,)) == []


def test_kinds_come_in_the_order_asked_for() -> None:
    kinds = [found.kind for found in swap("He told Jamal in church.", ("names", FAITH, "gender"))]
    assert kinds == ["names", "names", "names", "faith", "faith", "gender"]
