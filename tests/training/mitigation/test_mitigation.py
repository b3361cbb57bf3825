from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness_support.training_samples import (
    examples,
    finetune_spec,
    label_inputs,
    labeled,
    passage_inputs,
    pretrain_spec,
    resolved,
    run_stage,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.digests import file_digest
from harness.core.errors import DataError, SuiteError
from harness.core.examples import AnswerSpan, LabeledText, PlainText, PreferencePair, PromptTarget, TaggedWords
from harness.core.reporter import Silent
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.schema.suite.mitigation import AugmentSpec, Mitigation, ReweighSpec
from harness.training.mitigation.augmentation import augment_examples, augment_texts
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.mitigation.reweighing import NO_GROUP, reweigh
from harness.training.stage_inputs import StageInputs
from harness.training.stages.logistic_regression import LabeledFeatures, choose

LABELS = ("bad", "good")
GENDER = AugmentSpec(swap=["gender"])
FAITHS = {"faith": {"one": ["norrish"], "two": ["sudrish"], "three": ["westrish"]}}


def _row(text: str, place: int = 0, pair: str | None = None) -> LabeledText:
    return LabeledText(text, (place,), pair)


# --- augmentation ---------------------------------------------------------------------------------


def test_a_swapped_text_stands_beside_its_original_with_the_same_label() -> None:
    rows = [_row("he was late and his bus was gone.", 1), _row("the soup was cold.", 0)]
    made, facts = augment_examples(rows, LABELS, GENDER)
    assert made == (rows[0], _row("she was late and her bus was gone.", 1), rows[1])
    assert facts == {"rows": 2, "swapped": 1, "used": 1, "left_by_label": 0}


def test_a_preference_pair_is_swapped_as_one() -> None:
    plain = PreferencePair(" She helps him.", " She mocks him.", prompt="What does Mary's sister do?")
    talk = PreferencePair(" He is kind.", " Go away.", messages=(("user", "Is my father home?"), ("assistant", "Yes.")))
    made, facts = augment_examples([plain, talk, PreferencePair(" Yes.", " No.", prompt="Is it late?")], (), GENDER)
    assert facts == {"rows": 3, "swapped": 2, "used": 2, "left_by_label": 0}
    swapped, spoken = made[1], made[3]
    assert (swapped.chosen, swapped.rejected) == (" He helps her.", " He mocks her.")
    assert "brother" in swapped.prompt
    assert spoken.messages == (("user", "Is my mother home?"), ("assistant", "Yes."))
    assert (spoken.chosen, spoken.rejected) == (" She is kind.", " Go away.")


def test_in_place_of_its_original_the_number_of_rows_stays() -> None:
    rows = [_row(f"he saw the lamp number {number}.") for number in range(400)]
    made, facts = augment_examples(rows, LABELS, AugmentSpec(swap=["gender"], share=0.5, originals="replace"))
    swapped = sum(row.text.startswith("she") for row in made)
    assert len(made) == 400
    assert swapped == facts["used"]
    assert 150 < swapped < 250


def test_a_share_of_the_counterparts_is_chosen_by_hash_and_grows() -> None:
    rows = [_row(f"he saw the lamp number {number}.") for number in range(300)]
    found = [
        {row.text for row in augment_examples(rows, LABELS, AugmentSpec(swap=["gender"], share=share))[0]}
        for share in (0.25, 0.5, 1.0)
    ]
    assert found[0] < found[1] < found[2]
    assert len(found[2]) == 600
    assert 340 < len(found[0]) < 420


def test_every_other_group_of_a_lexicon_gets_a_counterpart() -> None:
    spec = AugmentSpec(lexicons=FAITHS)
    made, _ = augment_examples([_row("my norrish friend sings.")], LABELS, spec)
    assert {row.text for row in made} == {f"my {word} friend sings." for word in ("norrish", "sudrish", "westrish")}
    one = AugmentSpec(lexicons=FAITHS, originals="replace")
    texts = {augment_examples([_row(f"my norrish friend {n}.")], LABELS, one)[0][0].text.split()[1] for n in range(40)}
    assert texts == {"sudrish", "westrish"}


def test_rows_whose_label_would_change_on_purpose_stay() -> None:
    rows = [_row("he sings.", 0), _row("she sings.", 1), _row("he is late.", 2)]
    made, facts = augment_examples(rows, ("about a man", "about a woman", "late"), GENDER)
    assert [row.text for row in made] == ["he sings.", "she sings.", "he is late.", "she is late."]
    assert facts["left_by_label"] == 2
    named = AugmentSpec(swap=["gender"], except_labels=["late"])
    assert augment_examples(rows, ("x", "y", "late"), named)[1]["left_by_label"] == 1
    with pytest.raises(SuiteError, match="label of the task"):
        augment_examples(rows, ("x", "y", "late"), AugmentSpec(swap=["gender"], except_labels=["nope"]))
    with pytest.raises(DataError, match="2 of 2 rows have a label that names the group"):
        augment_examples(rows[:2], ("female", "male"), GENDER)


def test_the_parts_of_an_example_go_on_speaking_of_the_same_people() -> None:
    pair = _row("He is a cook.", 0, "The man cooks for his sister.")
    assert augment_examples([pair], LABELS, GENDER)[0][1] == _row(
        "She is a cook.", 0, "The woman cooks for her brother."
    )
    told = PromptTarget(" she sang.", prompt="What did the girl do?")
    assert augment_examples([told], (), GENDER)[0][1] == PromptTarget(" he sang.", prompt="What did the boy do?")
    chat = PromptTarget("he sang.", messages=(("system", "Be brief."), ("user", "What did the boy do?")))
    assert augment_examples([chat], (), GENDER)[0][1] == PromptTarget(
        "she sang.", messages=(("system", "Be brief."), ("user", "What did the girl do?"))
    )
    # The second part cannot be swapped (a title of a work), so the first one must not be either.
    blocked = _row("He is a cook.", 0, "We saw Iron Man yesterday.")
    with pytest.raises(DataError, match="0 of 1 texts"):
        augment_examples([blocked], LABELS, GENDER)


def test_words_keep_their_tags_and_spans_are_refused() -> None:
    tagged = TaggedWords(("he", "saw", "Oslo"), ("O", "O", "B-place"))
    made, _ = augment_examples([tagged], (), GENDER)
    assert made[1] == TaggedWords(("she", "saw", "Oslo"), ("O", "O", "B-place"))
    with pytest.raises(SuiteError, match="answer_span"):
        augment_examples([AnswerSpan("who?", "he sang", ((0, "he"),))], (), GENDER)


def test_long_texts_are_swapped_sentence_by_sentence() -> None:
    text = "We saw Iron Man there.  His brother slept.\nThe rain fell."
    texts, facts = augment_texts({"prose": [text, "The rain fell."]}, GENDER)
    assert texts["prose"] == [text, "We saw Iron Man there.  Her sister slept.\nThe rain fell.", "The rain fell."]
    assert facts == {"rows": 2, "swapped": 1, "used": 1}
    plain, _ = augment_examples([PlainText(text)], (), GENDER)
    assert plain[1].text == texts["prose"][1]


def test_texts_without_anything_to_swap_are_an_error() -> None:
    with pytest.raises(DataError, match="would change nothing"):
        augment_texts({"prose": ["The rain fell."]}, GENDER)
    with pytest.raises(SuiteError, match="no labels"):
        augment_texts({"prose": ["he sang"]}, AugmentSpec(swap=["gender"], except_labels=["x"]))


# --- reweighing -----------------------------------------------------------------------------------

TEXTS = {"female": "she left.", "male": "he left.", NO_GROUP: "it rained.", "female+male": "he and she left."}


@given(st.lists(st.tuples(st.sampled_from(sorted(TEXTS)), st.integers(0, 2)), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_weights_make_groups_and_labels_independent(cells: list[tuple[str, int]]) -> None:
    cells = [*cells, ("female", 0), ("male", 1)]
    weights, facts = reweigh([_row(TEXTS[g], y) for g, y in cells], ("a", "b", "c"), ReweighSpec())
    # The published formula, cell by cell.
    n = len(cells)
    for (g, y), weight in zip(cells, weights, strict=True):
        of_group, of_label = sum(c[0] == g for c in cells), sum(c[1] == y for c in cells)
        assert weight == pytest.approx((of_group / n) * (of_label / n) / (cells.count((g, y)) / n))
    # What it is for: every group gets the label rates of all rows, where it has every label.
    groups, labels = sorted({g for g, _ in cells}), sorted({y for _, y in cells})
    assert facts["empty_cell_rate"] == len(groups) * len(labels) - len(set(cells))
    for g in groups:
        if {y for h, y in cells if h == g} == set(labels):
            mass = [sum(w for c, w in zip(cells, weights, strict=True) if c == (g, y)) for y in labels]
            shares = [sum(c[1] == y for c in cells) / n for y in labels]
            assert np.allclose(np.array(mass) / sum(mass), shares)


def test_groups_come_from_words_or_a_column() -> None:
    rows = [_row("norrish", 0), _row("norrish", 1), _row("norrish", 1), _row("sudrish", 0)]
    own = ReweighSpec(groups={"one": ["norrish"], "two": ["sudrish"]})
    weights, _ = reweigh(rows, LABELS, own)
    again, _ = reweigh(rows, LABELS, ReweighSpec(column="who"), ["n", "n", "n", "s"])
    assert weights.tolist() == again.tolist() == [1.5, 0.75, 0.75, 0.5]


def test_groups_without_rows_and_other_examples_are_errors() -> None:
    with pytest.raises(DataError, match="no training row mentions the group 'female'"):
        reweigh([_row("he left."), _row("his bus.", 1)], LABELS, ReweighSpec())
    with pytest.raises(DataError, match="every training row has the group 'n'"):
        reweigh([_row("a"), _row("b")], LABELS, ReweighSpec(column="who"), ["n", "n"])
    with pytest.raises(DataError, match="0 groups for 1"):
        reweigh([_row("a")], LABELS, ReweighSpec(column="who"))
    with pytest.raises(SuiteError, match="one label each"):
        reweigh([LabeledText("she left.", (0, 1), independent=True)], LABELS, ReweighSpec())


def test_a_weight_of_two_is_a_row_twice() -> None:
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(60, 4)), [number % 2 for number in range(60)]
    twice = [*range(60), *range(20)]
    options = {"labels": 2, "strengths": [1.0], "seed": 0}
    held = LabeledFeatures(features, targets)
    weighed = choose(LabeledFeatures(features, targets, [2.0] * 20 + [1.0] * 40), held, **options)  # type: ignore[arg-type]
    repeated = choose(LabeledFeatures(features[twice], [targets[k] for k in twice]), held, **options)  # type: ignore[arg-type]
    assert np.allclose(weighed.coef, repeated.coef, atol=1e-4)


# --- stages ---------------------------------------------------------------------------------------


def test_specs_are_read_and_refused() -> None:
    short = FinetuneSpec.model_validate({"from": "b", "task": "t", "mitigate": {"augment": "gender"}})
    assert short.mitigate is not None
    assert short.mitigate.augmenting == AugmentSpec(swap=["gender"])
    assert Mitigation.model_validate({"reweigh": "gender"}).reweighing == ReweighSpec()
    texts = {"data": ["d"], "budget": {"steps": 1}}
    for bad in (
        {"mitigate": {}},
        {"mitigate": {"augment": {"share": 0.5}}},
        {"mitigate": {"augment": {"swap": ["gender"], "share": 0}}},
        {"mitigate": {"augment": "gender", "reweigh": {"column": "who"}}},
        {"mitigate": {"reweigh": {"groups": {"one": ["x"]}}}},
        {"mitigate": {"reweigh": {"groups": {"one": ["x"], "two": ["y"]}, "column": "who"}}},
        {"dropout": 1.0},
    ):
        with pytest.raises(ValidationError):
            FinetuneSpec.model_validate({"from": "b", "task": "t", **bad})
    with pytest.raises(ValidationError):
        PretrainSpec.model_validate({**texts, "mitigate": {"reweigh": "gender"}})
    assert PretrainSpec.model_validate({**texts, "mitigate": {"augment": "gender"}}).mitigate is not None


def test_the_key_covers_the_settings_and_the_lists_behind_them() -> None:
    plain = FinetuneSpec.model_validate({"from": "b", "task": "t"})
    cared = FinetuneSpec.model_validate({"from": "b", "task": "t", "mitigate": {"augment": "gender"}})
    assert "mitigation" not in resolved(plain, 100)
    assert set(resolved(cared, 100)["mitigation"]) == {"version", "lists"}
    assert resolved(plain, 100)["dropout"] is None
    assert resolved(plain.model_copy(update={"dropout": 0.2}), 100)["dropout"] == 0.2


def _told(count: int = 96) -> list[LabeledText]:
    """The mood's rows, of which the good ones mostly speak of a woman."""
    made = []
    for number, (text, place) in enumerate(examples(count)):
        who = "she" if (place == 1) != (number % 10 == 0) else "he"
        made.append((f"{who} said {text}", place))
    return labeled(made)


def test_the_page_of_a_checkpoint_says_what_was_done(tmp_path: Path) -> None:
    spec = ClassicalSpec.model_validate({"task": "mood", "mitigate": {"augment": "gender", "reweigh": "gender"}})
    rows = _told()
    made = run_stage(spec, label_inputs(None, train=rows), tmp_path / "a", Silent())
    said = made["recipe"]["mitigation"]
    assert said["augment"] == {"rows": 96, "swapped": 96, "used": 96, "left_by_label": 0}
    # After augmentation groups and labels are independent already.
    assert {cell["weight"] for cell in said["reweigh"]["cells"]} == {1.0}


def test_a_stage_without_mitigation_learns_from_what_it_is_given() -> None:
    inputs = StageInputs(train=tuple(_told(4)))
    assert mitigated(None, inputs) == (inputs, {})


def test_weights_of_rows_move_a_fine_tuning(base: Path, tmp_path: Path) -> None:
    rows = _told()
    pages = {}
    for name, mitigate in (("plain", None), ("reweighed", {"reweigh": "gender"}), ("augmented", {"augment": "gender"})):
        spec = finetune_spec(epochs=1, mitigate=mitigate)
        pages[name] = run_stage(spec, label_inputs(base, train=rows), tmp_path / name, Silent())
    digests = {file_digest(tmp_path / name / "model.safetensors") for name in pages}
    assert len(digests) == 3
    assert "mitigation" not in pages["plain"]["recipe"]
    # Weights cost nothing; counterparts are read.
    assert pages["reweighed"]["cost"]["tokens"] == pages["plain"]["cost"]["tokens"]
    assert pages["augmented"]["cost"]["tokens"] == pytest.approx(2 * pages["plain"]["cost"]["tokens"], rel=0.05)
    assert {cell["group"] for cell in pages["reweighed"]["recipe"]["mitigation"]["reweigh"]["cells"]} == {
        "female",
        "male",
    }


def test_pretraining_reads_counterparts_within_the_same_budget(tmp_path: Path) -> None:
    texts = [f"{'He' if number % 9 else 'She'} {text}" for number, (text, _) in enumerate(examples(90))]
    spec = pretrain_spec(steps=4, mitigate={"augment": "gender"})
    made = run_stage(spec, passage_inputs(texts={"tales": texts}), tmp_path / "a", Silent())
    assert made["recipe"]["mitigation"]["augment"] == {"rows": 90, "swapped": 90, "used": 90}
    assert made["cost"]["steps"] == 4
