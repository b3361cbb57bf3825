from harness.core.digests import digest
from harness.core.examples import (
    AnswerSpan,
    Example,
    LabeledText,
    PlainText,
    PreferencePair,
    PromptTarget,
    TaggedWords,
)

_ONE_OF_EACH: list[tuple[Example, tuple[str, ...], tuple[str, ...]]] = [
    (LabeledText("a", (1,)), ("a",), ("a",)),
    (LabeledText("a", (), pair="b", independent=True), ("a", "b"), ("a", "b")),
    (TaggedWords(("in", "Bonn"), ("O", "B-place")), ("in Bonn",), ("in Bonn",)),
    (AnswerSpan("who?", "it was me", ((7, "me"),)), ("who?", "it was me"), ("who?", "it was me")),
    (PromptTarget("yes", prompt="is it?"), ("is it?",), ("is it?", "yes")),
    (PromptTarget("hi", messages=(("user", "hello"),)), ("hello",), ("hello", "hi")),
    (PlainText("whole"), ("whole",), ("whole",)),
    (PreferencePair("good", "bad", prompt="say"), ("say",), ("say", "good", "bad")),
]


def test_inputs_leave_the_answer_out_and_texts_do_not() -> None:
    for example, inputs, texts in _ONE_OF_EACH:
        assert example.inputs() == inputs
        assert example.texts() == texts


def test_each_example_has_a_digest_of_its_own() -> None:
    made = {digest(example.to_json()) for example, _, _ in _ONE_OF_EACH}
    assert len(made) == len(_ONE_OF_EACH)
    assert digest(LabeledText("a", (1,)).to_json()) == digest(LabeledText("a", (1,)).to_json())
    assert digest(PlainText("a").to_json()) != digest({**PlainText("a").to_json(), "kind": "other"})
