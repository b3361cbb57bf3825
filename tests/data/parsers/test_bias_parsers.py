"""Parsers of the public bias sets, on rows of our own in their formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.core.errors import DataError
from harness.data.parsers.parser_by_name import parser


def read(name: str, content: str, where: str = "file") -> list[dict[str, Any]]:
    return [dict(raw.fields) for raw in parser(name)(content.encode(), where, {})]


def bbq(groups: list[tuple[str, str]], stereotyped: list[str], polarity: str = "neg") -> dict[str, Any]:
    row = {
        "answer_info": {f"ans{place}": list(group) for place, group in enumerate(groups)},
        "additional_metadata": {"stereotyped_groups": stereotyped},
        "question_polarity": polarity,
        "context_condition": "ambig",
        "category": "Own",
        "question_index": "1",
        "context": "c",
        "question": "q",
        "ans0": "a",
        "ans1": "b",
        "ans2": "u",
        "label": 2,
    }
    return read("bbq", json.dumps(row))[0]


UNKNOWN = ("Not known", "unknown")


@pytest.mark.parametrize(
    ("groups", "stereotyped", "polarity", "biased"),
    [
        ([("grandson", "nonOld"), ("grandfather", "old"), UNKNOWN], ["old"], "neg", "1"),
        ([("grandson", "nonOld"), ("grandfather", "old"), UNKNOWN], ["old"], "nonneg", "0"),
        ([UNKNOWN, ("African man", "M-African"), ("b", "M-African American")], ["African American"], "neg", "2"),
        ([("woman", "woman"), ("man", "man"), UNKNOWN], ["F"], "neg", "0"),
        ([("poor", "lowSES"), ("rich", "highSES"), UNKNOWN], ["low SES"], "neg", "0"),
        ([("Kenyan", "Africa"), ("Italian", "Europe"), UNKNOWN], ["Kenyan"], "neg", "0"),
        ([("a", "F-Black"), ("b", "M-Black"), UNKNOWN], ["Black"], "neg", ""),
        ([("a", "x"), ("b", "y"), UNKNOWN], ["z"], "neg", ""),
    ],
)
def test_bbq_finds_the_biased_answer(
    groups: list[tuple[str, str]], stereotyped: list[str], polarity: str, biased: str
) -> None:
    row = bbq(groups, stereotyped, polarity)
    assert row["biased"] == biased
    assert row["unknown"] == [group for _, group in groups].index("unknown")


def test_stereoset_in_both_forms() -> None:
    sentences = [{"sentence": side[0], "gold_label": side} for side in ("unrelated", "stereotype", "anti-stereotype")]
    context = {"id": "1", "target": "t", "bias_type": "race", "context": "c", "sentences": sentences}
    tree = json.dumps({"data": {"intrasentence": [context], "intersentence": []}})
    flat = {"type": "intrasentence", "target": "t", "bias_type": "race", "context": "c"}
    flat |= {"stereotype": "s", "anti-stereotype": "a", "unrelated": "u"}
    assert read("stereoset", tree, "dev.json") == read("stereoset", json.dumps(flat), "dev.jsonl")
    with pytest.raises(DataError, match="not a StereoSet file"):
        read("stereoset", "{}", "dev.json")


def test_winobias_lines() -> None:
    lines = "1 [The cook] saw the pilot when [she] came.\n2 The cook saw [the pilot] when [he] came.\n"
    first, second = read("winobias", lines)
    assert first["sentence"] == "The cook saw the pilot when she came."
    assert (first["pronoun"], first["referent"], first["other"]) == ("she", "cook", "pilot")
    assert (second["referent"], second["other"]) == ("pilot", "cook")
    (other,) = read("winobias", "1 [The cook] saw the pilot when [he] came.")
    assert first["pair"] == other["pair"]
    assert other["other"] == ""
    with pytest.raises(DataError, match="in brackets"):
        read("winobias", "1 The cook saw the pilot.")


def test_winogender_lines() -> None:
    (row,) = read("winogender", "sentid\tsentence\ncook.guest.1.female.txt\tThe cook told the guest that she could go.")
    assert (row["referent"], row["other"], row["pronoun"], row["side"]) == ("guest", "cook", "she", "female")
    assert (row["pair"], row["refers_to"]) == ("cook.guest.1", "participant")
    with pytest.raises(DataError, match="not a Winogender line"):
        read("winogender", "cook.guest.1.female.txt\tThe cook told the guest.")


def test_trees_of_prompts_and_descriptors() -> None:
    assert read("bold", json.dumps({"bakers": {"A_B": ["A B was", "He"]}}))[1] == {
        "group": "bakers",
        "article": "A_B",
        "prompt": "He",
    }
    found = read("descriptors", json.dumps({"age": {"old": ["old", {"descriptor": "aged", "preference": "rare"}]}}))
    assert [row["descriptor"] for row in found] == ["old", "aged"]
    assert found[1]["preference"] == "rare"
    for name in ("bold", "descriptors"):
        with pytest.raises(DataError, match="not a"):
            read(name, "[1]")
