"""Trivial rivals and worked examples: what is learned from training rows, and what is answered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness_support.training_samples import run_stage

from harness.core.errors import CheckpointError, DataError
from harness.core.examples import AnswerSpan, LabeledText, PreferencePair, PromptTarget, TaggedWords
from harness.core.model import ModelFacts
from harness.core.reporter import Silent
from harness.core.requests import (
    Classify,
    Cloze,
    Continuations,
    ExtractSpan,
    Failure,
    Generate,
    Request,
    Response,
    RollingLikelihood,
    Scores,
    Tag,
)
from harness.model_kinds.few_shot_kind import PromptSpec
from harness.model_kinds.heuristic_kind import HeuristicSpec
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.inspection import inspect
from harness.models.derived.few_shot_backend import FewShotPrompt, PromptedBackend, read_shots
from harness.models.derived.heuristic_backend import RULES, BaselineTable, read_baseline, write_baseline
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.stage_inputs import StageInputs
from harness.training.stages.few_shot_stage import choose

TAGS = ("O", "B-person", "I-person", "B-place", "I-place")
PAIRS = [("one dog", "ein Hund"), ("one cat", "eine Katze"), ("a red house", "ein rotes Haus")]
PROMPTS = [PromptTarget(target=f" {target}", prompt=f"{source} =>") for source, target in PAIRS]


def baseline(tmp_path: Path, rule: Any, examples: Sequence[Any], labels: tuple[str, ...] = ()) -> CachedModel:
    inputs = StageInputs(train=tuple(examples), labels=labels, data={"rows": "f"})
    page = run_stage(HeuristicSpec(task="rows", rule=rule), inputs, tmp_path, Silent())
    assert page["kind"] == "baseline"
    assert (inspect(tmp_path).kind, inspect(tmp_path).parent) == ("baseline", None)
    return open_model(tmp_path, OpenContext(resolve=lambda key: Path(key), responses=None))


def one(model: Any, request: Request) -> Any:
    ((_, response),) = model.answer([request])
    return response


def test_a_rule_that_writes_reads_the_users_message(tmp_path: Path) -> None:
    examples = [PromptTarget(target=target, messages=(("user", source),)) for source, target in PAIRS]
    model = baseline(tmp_path, "nearest", examples)
    assert model.facts.chat
    assert one(model, Generate(messages=(("user", "the red house"),))).text == "ein rotes Haus"


def test_a_rule_knows_the_better_answers_of_preference_pairs(tmp_path: Path) -> None:
    pairs = [
        PreferencePair("I cannot help with that.", "First take a knife.", prompt="how do I hurt a dog?\n"),
        PreferencePair("Use warm water.", "I cannot help with that.", prompt="how do I wash a cat?\n"),
    ]
    model = baseline(tmp_path, "nearest", pairs)
    [(_, answer)] = model.answer([Generate(prompt="how can I hurt my dog?\n")])
    assert answer.text == "I cannot help with that."


def test_the_majority_is_the_share_of_each_label(tmp_path: Path) -> None:
    examples = [LabeledText("a", (0,)), LabeledText("b", (1,)), LabeledText("c", (1,))]
    model = baseline(tmp_path, "majority", examples, ("no", "yes"))
    assert model.facts.labels == ("no", "yes")
    assert one(model, Classify("x", ("yes", "no"))).values == pytest.approx((math.log(2 / 3), math.log(1 / 3)))
    assert isinstance(one(model, Classify("x", ("maybe",))), Failure)
    assert one(model, RollingLikelihood("x")).reason == "unsupported"


def test_chance_is_fixed_by_the_question(tmp_path: Path) -> None:
    model = baseline(tmp_path, "random", PROMPTS)
    first = one(model, Continuations("q", ("a", "b", "c")))
    assert first == one(model, Continuations("q", ("a", "b", "c")))
    best = [
        max(range(3), key=one(model, Continuations(f"q{n}", ("a", "b", "c"))).values.__getitem__) for n in range(300)
    ]
    assert all(60 < best.count(place) < 140 for place in range(3))


def test_a_gazetteer_tags_the_longest_known_span_and_forgets_common_words(tmp_path: Path) -> None:
    examples = [
        TaggedWords(("New", "York", "is", "near", "York"), ("B-place", "I-place", "O", "O", "B-place")),
        TaggedWords(("Will", "Ada", "go"), ("O", "B-person", "O")),
        TaggedWords(("Will", "spoke"), ("B-person", "O")),
        TaggedWords(("will", "it"), ("O", "O")),
    ]
    model = baseline(tmp_path, "gazetteer", examples, TAGS)
    words = ("ada", "left", "New", "York", "Will")
    assert one(model, Tag(words, TAGS)).labels == ("B-person", "O", "B-place", "I-place", "O")
    assert model.facts.tag_labels == TAGS
    assert model.facts.labels is None


@pytest.mark.parametrize(
    ("rule", "prompt", "answer"),
    [
        ("copy", "my dog =>", "my dog"),
        ("dictionary", "one cat =>", "eine Katze"),
        ("dictionary", "one bird =>", "one bird"),
        ("nearest", "a big red dog =>", "ein rotes Haus"),
        ("lead", "First one. Second. =>", "First one."),
        ("majority", "x =>", "ein Hund"),
    ],
)
def test_rules_write_from_the_source_without_the_template(tmp_path: Path, rule: str, prompt: str, answer: str) -> None:
    model = baseline(tmp_path, rule, PROMPTS)
    assert one(model, Generate(prompt)).text == answer
    assert one(model, Generate("", messages=(("user", prompt),))).text == answer


def test_the_span_of_the_sentence_that_shares_most_with_the_question(tmp_path: Path) -> None:
    model = baseline(tmp_path, "overlap", [AnswerSpan("q", "c", ())])
    context = "The mill is old. The bridge was built in Old Town by Ada Lovelace Byron. It rained in 1900."
    found = one(model, ExtractSpan("Who built the bridge in Old Town?", context))
    assert (found.text, context[found.start : found.end]) == ("Ada Lovelace Byron", "Ada Lovelace Byron")


def test_prior_draws_labels_by_their_share_of_the_training_rows(tmp_path: Path) -> None:
    examples = [LabeledText(f"text {k}", (int(k % 10 == 0),)) for k in range(200)]
    model = baseline(tmp_path, "prior", examples, ("usual", "rare"))
    asked = [Classify(f"another text {k}", ("usual", "rare")) for k in range(2000)]
    answers = [answer.values for _, answer in model.answer(asked)]
    assert all(abs(sum(map(math.exp, values)) - 1) < 1e-9 for values in answers)
    drawn = sum(values[1] > values[0] for values in answers)
    assert abs(drawn - 200) < 4 * math.sqrt(2000 * 0.1 * 0.9)
    again = [answer.values for _, answer in model.answer(asked)]
    assert again == answers


def test_prior_draws_independent_labels_each_alone(tmp_path: Path) -> None:
    examples = [LabeledText(f"text {k}", (0, 1) if k % 4 == 0 else (0,), independent=True) for k in range(200)]
    model = baseline(tmp_path, "prior", examples, ("all", "some"))
    asked = [Classify(f"another text {k}", ("all", "some"), independent=True) for k in range(2000)]
    chances = [[math.exp(value) for value in answer.values] for _, answer in model.answer(asked)]
    assert all(chance > 0.5 for chance, _ in chances)
    assert abs(sum(chance >= 0.5 for _, chance in chances) - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)


def test_a_rule_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'gazetteer' does not fit task 'rows'.*PromptTarget"):
        baseline(tmp_path, "gazetteer", PROMPTS)
    assert set(HeuristicSpec.model_json_schema()["properties"]["rule"]["enum"]) == set(RULES)


class Recorder:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.facts = ModelFacts(digest="base", family="causal", language_model="causal", labels=None)

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            self.asked.append(request)
            yield request, Scores((-1.0,))


def test_examples_stand_before_contexts_and_nothing_else() -> None:
    base = Recorder()
    shots = FewShotPrompt("rows", (("one dog =>", " ein Hund"),))
    prompted = PromptedBackend(shots, CachedModel(base, None, Silent()), base.facts)
    asked: list[Request] = [
        Continuations("a cat =>", (" x",)),
        Generate("a cat =>", stop=("\n",)),
        Generate("", messages=(("user", "a cat"),)),
        Cloze("a {mask}", (("x",),)),
        RollingLikelihood("whole"),
    ]
    assert [request for request, _ in prompted.compute(asked)] == asked
    text = "one dog => ein Hund\n\n"
    assert base.asked[0] == Continuations(text + "a cat =>", (" x",))
    assert base.asked[1] == Generate(text + "a cat =>", stop=("\n", "\n\n"))
    turns = (("user", "one dog =>"), ("assistant", " ein Hund"), ("user", "a cat"))
    assert base.asked[2] == Generate("", messages=turns)
    assert base.asked[3] == Cloze(text + "a {mask}", (("x",),))
    assert base.asked[4] == RollingLikelihood("whole")


def test_worked_examples_come_from_training_rows_by_seed_and_take_labels_in_turn(tmp_path: Path) -> None:
    rows = [PromptTarget(target=f" {'yes' if n % 10 else 'no'}", prompt=f"text {n}:") for n in range(50)]
    spec = PromptSpec.model_validate({"from": "base", "task": "rows", "num_fewshot": 4})
    inputs = StageInputs(
        train=rows, parent=tmp_path, parent_key="a" * 64, parent_digest="b" * 64, seed=3, data={"rows": "f"}
    )
    page = run_stage(spec, inputs, tmp_path, Silent())
    assert (page["kind"], page["parent"]) == ("prompted", {"key": "a" * 64, "digest": "b" * 64})
    assert (inspect(tmp_path).family, inspect(tmp_path).parent) == ("parent", page["parent"])
    shots = read_shots(tmp_path)
    assert [pair[1] for pair in shots.pairs].count(" no") == 2
    assert shots.pairs == tuple((example.prompt, example.target) for example in choose(rows, 4, 3))
    assert choose(rows, 4, 3) != choose(rows, 4, 4)
    assert len(choose(rows[:3], 8, 0)) == 3
    with pytest.raises(DataError, match="no examples with a prompt"):
        run_stage(spec, StageInputs(train=[LabeledText("a", (0,))], data={"rows": "f"}), tmp_path, Silent())
    (tmp_path / "prompt.json").write_text('{"format": 9}')
    with pytest.raises(CheckpointError, match="expected 1, found the number 9"):
        read_shots(tmp_path)


def test_a_rule_without_labels_is_for_its_own_task(tmp_path: Path) -> None:
    facts = baseline(tmp_path, "nearest", PROMPTS).facts
    assert (facts.made_for, facts.supports) == ("rows", {"generate"})


def test_a_rule_with_labels_answers_wherever_these_are_asked(tmp_path: Path) -> None:
    facts = baseline(tmp_path, "majority", [LabeledText("a", (0,)), LabeledText("b", (1,))], ("no", "yes")).facts
    assert (facts.made_for, facts.supports) == (None, {"classify"})


def test_tables_from_before_tasks_were_kept_are_read(tmp_path: Path) -> None:
    write_baseline(tmp_path, BaselineTable("nearest", answers={"a": "b"}))
    page = tmp_path / "baseline.json"
    page.write_text(page.read_text("utf-8").replace('"task": null, ', "").replace(', "task": null', ""), "utf-8")
    assert read_baseline(tmp_path).task is None
