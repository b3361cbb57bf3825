"""What measures nothing is left out and counted, by one set of guards for all probes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from harness_support.plain_models import LABELS, HeadModel, ask, dataset

from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.requests import Scores, response_from_json
from harness.data.data_audit import audit
from harness.evaluations.probe_guards import same_text, told_apart
from harness.evaluations.probes.ambiguous_qa import AmbiguousQa
from harness.evaluations.probes.amplification import Amplification
from harness.evaluations.probes.counterfactual import Counterfactual
from harness.evaluations.probes.descriptors import Descriptors
from harness.evaluations.probes.functional_tests import FunctionalTests
from harness.evaluations.probes.group_gaps import GroupGaps
from harness.evaluations.probes.hurtful_completions import CompletionsProbe
from harness.evaluations.probes.open_generation import Generation
from harness.evaluations.probes.pronouns import Pronouns
from harness.evaluations.probes.robustness import Robustness
from harness.evaluations.tasks.classification import Classification
from harness.text.language_guess import is_foreign
from harness.text.lexicons.group_words import GroupWords
from harness.text.lexicons.lexicon import inline_lexicon
from harness.text.swaps.swap import swap


def probe(cls: Any, **options: Any) -> Any:
    labels = EvaluationContext(labels={"d": {"label": LABELS}})
    task = Classification("t", Classification.Options.model_validate({"data": "d"}), labels)
    return cls("p", cls.Options.model_validate({"on": "t", **options}), EvaluationContext(tasks={"t": task}))


def alone(cls: Any, **options: Any) -> Any:
    on = {"on": "t"} if "on" in cls.Options.model_fields else {}
    return probe(cls, **options) if on else cls("p", cls.Options.model_validate(options), EvaluationContext())


def scored(*inputs: str | None) -> list[Scores]:
    return [Scores((0.0,), inputs=one) for one in inputs]


def test_texts_of_the_same_tokens_are_told_by_what_the_head_read() -> None:
    assert told_apart(scored("a", "a", "b"), ["x", "y", "z"]) == [False, True]
    assert told_apart(scored("a", None, "b"), ["x", "y", "z"]) == [True, True]
    assert told_apart(scored(None, None), ["x", "y"]) == [True]
    assert told_apart(scored("a", "a"), ["x", "y"], unknown_only=True) == [True]
    assert told_apart(scored("a?1", "a?1"), ["x", "y"], unknown_only=True) == [False]
    assert told_apart(scored("a?1", "a?1"), ["é qqq", "E qqq"], unknown_only=True) == [True], "case and accent only"
    assert response_from_json(scored("a?1")[0].to_json()).inputs == "a?1"  # type: ignore[union-attr]


def test_a_swap_that_the_model_cannot_see_is_no_figure_and_is_counted() -> None:
    evaluation = probe(Counterfactual, swap="gender")
    (item,) = evaluation.items([dataset([{"text": "he is good", "label": "positive"}])], "test")
    values = (-2.0, -1.0, -0.5)
    other = replace(item, id="other")
    seen = evaluation.record(other, "head", [Scores(values, inputs=one) for one in ("a", "b")])
    blind = evaluation.record(item, "head", [Scores(values, inputs="a?1")] * 2)
    assert (seen.status, blind.status) == ("ok", "failed")
    records = ask(evaluation, [dataset([{"text": "he is good", "label": "positive"}])], HeadModel())
    assert evaluation.answer_warnings(records) == []
    from harness.core.records import Records

    (warning,) = evaluation.answer_warnings(Records.of(records.head, [seen, blind]))
    assert "1 of 2 items are the same tokens" in warning


def test_equal_texts_differ_in_white_space_and_unicode_form_alone() -> None:
    assert same_text("e\u0301  a", "é a")
    assert not same_text("a", "A")


def test_cases_that_equal_their_original_are_left_out_and_counted() -> None:
    rows = [
        {"text": "good", "functionality": "f", "original": "good ", "expect": "same"},
        {"text": "bad", "functionality": "f", "original": "good", "expect": "same"},
    ]
    evaluation = probe(FunctionalTests, data="cases")
    assert len(list(evaluation.items([dataset(rows)], "test"))) == 1
    assert "1 cases are left out: they equal their original" in evaluation.warnings([dataset(rows)], "test")[0]
    with pytest.raises(DataError, match="they equal their original"):
        list(evaluation.items([dataset(rows[:1])], "test"))


def test_paraphrases_that_equal_their_text_are_left_out_and_counted() -> None:
    texts = dataset([{"text": "it is good", "label": "positive"}])
    rows = dataset([{"text": "a b", "paraphrase": "a  b"}, {"text": "a", "paraphrase": "b"}])
    evaluation = probe(Robustness, kinds=["paraphrase"], paraphrases="more")
    assert len(list(evaluation.items([texts, rows], "test"))) == 1
    assert "1 of 2 paraphrases equal their text" in evaluation.warnings([texts, rows], "test")[0]


def test_contradictory_rows_are_left_out_and_counted() -> None:
    plain = {"context": "c", "question": "q", "ans0": "a", "ans1": "b", "ans2": "nobody", "biased": "0", "unknown": "2"}
    rows = [
        {**plain, "label": "2", "condition": "ambig"},
        {**plain, "label": "2", "condition": "ambig", "biased": "2"},
        {**plain, "label": "0", "condition": "ambig"},
        {**plain, "label": "2", "condition": "disambig"},
        {**plain, "label": "0", "condition": "disambig", "ans1": "a "},
    ]
    evaluation = AmbiguousQa("bbq", AmbiguousQa.Options.model_validate({"data": "d"}), EvaluationContext())
    assert len(list(evaluation.items([dataset(rows)], "test"))) == 1
    warnings = evaluation.warnings([dataset(rows)], "test")
    assert len(warnings) == 4
    assert "the biased answer is the unknown one" in warnings[0]


def test_the_selected_label_is_asked_for() -> None:
    with pytest.raises(ValueError, match="positive"):
        probe(GroupGaps)
    assert (
        "'neutral' counts as selected"
        in probe(GroupGaps, positive="neutral").remarks([dataset([{"text": "he", "label": "neutral"}])], "test")[0]
    )


@pytest.mark.parametrize(
    ("known", "options", "catalog", "warned"),
    [
        (("high", "low", "medium"), {}, {}, True),
        (("high", "low", "medium"), {"labels": ["low", "medium", "high"]}, {}, False),
        (("high", "low", "medium"), {"values": {"low": -1, "medium": 0, "high": 1}}, {}, False),
        (("high", "low"), {}, {}, False),
        (("1", "2", "3"), {}, {}, False),
        (("high", "low", "medium"), {}, {"catalog": "ours"}, False),
    ],
)
def test_scores_by_the_order_of_names_are_a_warning(
    known: tuple[str, ...], options: dict[str, Any], catalog: dict[str, str], warned: bool
) -> None:
    task = Classification(
        "t",
        Classification.Options.model_validate({"data": "d", **options}),
        EvaluationContext(labels={"d": {"label": known}}),
    )
    evaluation = Counterfactual(
        "p", Counterfactual.Options.model_validate({"on": "t"}), EvaluationContext(tasks={"t": task})
    )
    rows = dataset([{"text": "he is here and she is there", "label": known[0]}])
    warnings = evaluation.warnings([replace(rows, facts={**rows.facts, **catalog})], "test")
    assert [("(high -1, low +0, medium +1)" in warning) for warning in warnings] == [True] * warned


def test_crossed_groups_show_every_cells_n() -> None:
    rows = [
        {"text": text, "label": "positive", "slices": [f"source={source}"]}
        for text, source in (("he", "web"), ("he", "web"), ("she", "web"), ("she", "app"))
    ]
    evaluation = probe(
        GroupGaps, positive="positive", groups={"f": ["she"], "m": ["he"]}, columns=["source"], cross=True
    )
    items = list(evaluation.items([dataset(rows)], "test"))
    assert items[0].payload["groups"] == ["m & source=web"]
    assert len(items[0].payload["known"]) == 4
    (cells,) = [text for text in evaluation.remarks([dataset(rows)], "test") if text.startswith("Texts per cell")]
    assert cells == "Texts per cell: f & source=app 1, f & source=web 1, m & source=app 0, m & source=web 2."
    with pytest.raises(SuiteError, match="two dimensions"):
        probe(GroupGaps, positive="positive", cross=True)


def test_names_that_are_ordinary_words_are_groups_only_where_that_is_clear() -> None:
    words = GroupWords({"a": ("May", "Hope"), "b": ("Anna",)})
    assert words.found("I met May and Anna") == {"a": ["may"], "b": ["anna"]}
    assert words.found("I may hope so, anna") == {"b": ["anna"]}
    assert words.found("May she win. Hope is late.") == {}
    assert words.is_unclear("Hope is late.")
    assert not words.is_unclear("May she win. I met Hope.")
    lexicon = inline_lexicon("own", {"a": ["May"], "b": ["Rahim"]})
    assert [one.text for one in swap("I met May", [lexicon])] == ["I met Rahim"]
    assert swap("it may rain", [lexicon]) == swap("May said no", [lexicon]) == []
    gaps = probe(GroupGaps, positive="positive", groups={"a": ["Hope"], "b": ["she"]})
    told = gaps.remarks([dataset([{"text": "Hope said so", "label": "positive"}])], "test")
    assert any("In 1 texts a word's part of speech is unclear" in text for text in told)


def test_swaps_and_group_words_leave_addresses_alone_alike() -> None:
    text = "see www.woman.org @woman #woman"
    assert GroupWords({"f": ("woman",), "m": ("man",)}).found(text) == {}
    assert swap(text, [inline_lexicon("own", {"f": ["woman"], "m": ["man"]})]) == []


GERMAN = "die alte Frau ging mit ihrem Hund in den Park und sah dort viele Kinder spielen, weil die Sonne schien. "


def test_english_lists_on_other_texts_are_marked() -> None:
    assert is_foreign([GERMAN] * 5)
    assert is_foreign(["今天天气很好我们去公园散步" * 20])
    assert not is_foreign(["the old woman went to the park with her dog and saw that it was full of children"] * 5)
    assert not is_foreign(["gut"])
    # Neighbors of English, with words of its own: for, her, was, over.
    assert is_foreign(["De man was in de winkel en hij kocht een brood voor zijn vrouw, die over het weer sprak."] * 5)
    assert is_foreign(["Mannen tok toget til byen for å se henne. Hun har en bror og de bor her."] * 5)
    rows = [dataset([{"text": GERMAN, "label": "positive"}] * 5)]
    for evaluation in (
        probe(Counterfactual, swap="gender"),
        probe(GroupGaps, positive="positive"),
        probe(Robustness, kinds=["negation"]),
    ):
        assert "seem not to be in English" in evaluation.warnings(rows, "test")[0]
    own = probe(GroupGaps, positive="positive", groups={"f": ["Frau"], "m": ["Mann"]})
    assert own.warnings(rows, "test") == []
    more = [
        (Amplification, {}, "the built-in group words"),
        (Pronouns, {"data": "d", "train": "test"}, "the built-in words and templates"),
        (Pronouns, {"data": "d", "train": "test", "templates": ["{word} {mask}"]}, "the built-in gendered words"),
        (CompletionsProbe, {"data": "d"}, "the built-in hurtful words"),
        (Generation, {"data": "d"}, "the built-in lists of hurtful, good and bad words"),
    ]
    for cls, options, what in more:
        assert f"and {what} are made for English" in alone(cls, **options).warnings(rows, "test")[0]
    lexicons = {"own": {"f": ["Frau"], "m": ["Mann"]}}
    said = probe(Counterfactual, swap=[], lexicons=lexicons, templates=True).warnings(rows, "test")[0]
    assert "the built-in templates are made for English" in said
    assert probe(Amplification, groups={"f": ["Frau"], "m": ["Mann"]}).warnings(rows, "test") == []
    words = dataset([{"axis": "a", "descriptor": text} for text in GERMAN.split() * 9])
    assert "built-in templates" in alone(Descriptors, data="d").warnings([words], "test")[-1]
    assert alone(Descriptors, data="d", templates=["{descriptor}."]).warnings([words], "test")[1:] == []
    assert any("not to be in English" in note for note in audit(rows[0], "test").notes)


def test_texts_with_an_undecided_swap_are_left_out_and_counted() -> None:
    rows = [
        dataset([{"text": "We gave her dog food.", "label": "negative"}, {"text": "he is good", "label": "positive"}])
    ]
    evaluation = probe(Counterfactual, swap="gender")
    assert len(list(evaluation.items(rows, "test"))) == 1
    told = evaluation.remarks(rows, "test")
    assert told[0] == "Scores of the labels: negative -1, neutral +0, positive +1."
    assert told[1].startswith("1 texts are not swapped by gender")
