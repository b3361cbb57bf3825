"""Equal texts, equal tokens, unknown words, contradictory rows, names that are ordinary words: for every probe kind.

The probes come from the registry, so that a new one fails here until each guard has a case or a reason.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness_support.plain_models import LABELS, dataset

from harness.core import registry
from harness.core.dataset import Dataset
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.model import ModelFacts
from harness.core.records import Records
from harness.core.reporter import Silent
from harness.core.requests import (
    Classify,
    Cloze,
    Completions,
    Continuations,
    Embed,
    Embedding,
    Failure,
    Generate,
    Generated,
    InputMark,
    Likelihood,
    NextSentence,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
    TopCompletions,
)
from harness.evaluations.tasks.classification import Classification
from harness.pipeline.records.inference import ask

GUARDS = ("equal texts", "equal tokens", "unknown words", "contradictory rows", "ordinary-word names")
VOCABULARY = frozenset(
    {
        *("the", "nurse", "doctor", "said", "that", "he", "she", "they", "him", "her", "was", "good", "bad", "late"),
        *("man", "woman", "it", "is", "a", "person", "tall", "short", "who", "old", "in", "park", "and", "loves"),
        *("sleeps", "ann", "bob", "nobody", "question", "answer", "rose", "fly", "joy", "pain", "here", "means"),
        *(".", ":", "?", ","),
    }
)
CLOZE = {"template": "{text} It was {mask}.", "words": {"negative": ["bad"], "neutral": ["old"], "positive": ["good"]}}


class WordReader:
    """Reads lower-cased words of a small vocabulary, and says what it read; its numbers are a digest of that."""

    def __init__(self, kind: str) -> None:
        language_model: Any = kind if kind in ("masked", "causal", "seq2seq") else None
        self.facts = ModelFacts(
            digest=kind,
            family=kind,
            language_model=language_model,
            labels=LABELS if kind == "head" else None,
            supports=frozenset(
                {Embed.kind, Generate.kind, TopCompletions.kind, *([NextSentence.kind] * (kind == "next"))}
            ),
        )

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            yield request, self.response(request)

    def response(self, request: Any) -> Response:
        if isinstance(request, Continuations):
            marks = [self.mark(request.context + option) for option in request.options]
            return Scores(tuple(map(self.number, marks)), inputs="|".join(map(str, marks)))
        text = " ".join(filter(None, (getattr(request, name, "") for name in ("text", "prompt", "first", "second"))))
        mark = self.mark(text)
        value, inputs = self.number(mark), str(mark)
        if isinstance(request, Classify):
            return Scores(tuple(value - place for place in range(len(request.labels))), inputs=inputs)
        if isinstance(request, Cloze):
            return Scores(tuple(value - place for place in range(len(request.groups))), inputs=inputs)
        if isinstance(request, NextSentence):
            return Scores((value, -value), inputs=inputs)
        if isinstance(request, PseudoLikelihood | RollingLikelihood):
            return Likelihood(value, len(text.split()), unknown=mark.unknown, inputs=inputs)
        if isinstance(request, TopCompletions):
            return Completions(("good",) * request.k, (value,) * request.k, inputs)
        if isinstance(request, Embed):
            return Embedding((value, 1.0, float(len(text))), inputs=inputs)
        if isinstance(request, Generate):
            return Generated("it was good", 3, "end", inputs=inputs)
        return Failure("unsupported", "not here")

    @staticmethod
    def mark(text: str) -> InputMark:
        spaced = "".join(f" {letter} " if letter in ".:?," else letter for letter in text.replace("{mask}", "it"))
        words = [word if word in VOCABULARY else "<unk>" for word in spaced.lower().split()]
        return InputMark.of(words, words.count("<unk>"))

    @staticmethod
    def number(mark: InputMark) -> float:
        return -1.0 - zlib.crc32(mark.tokens.encode()) / 2**32


@dataclass(frozen=True)
class Case:
    """Data with sound items and others that the guard meets.

    Attributes:
        kept: items that have a figure.
        failed: items that the model cannot be asked about.
        said: a part of each sentence that counts what is left out.
    """

    options: dict[str, Any]
    data: list[list[dict[str, Any]]]
    kept: int
    failed: int = 0
    said: str = ""
    models: tuple[str, ...] = ("masked", "causal", "seq2seq")


SAME_TOKENS, UNKNOWN = "are the same tokens in all their variants", "words that the tokenizer cannot represent"
TASK = ("head", "masked", "causal")
LANGUAGE = ("masked", "causal", "seq2seq")
ONE_TEXT = "one text is asked at a time: there is nothing that it could equal"
NO_NAMES = "no list of names is read: texts are those of the data"


def pair(more: str, less: str) -> dict[str, Any]:
    return {"more": more, "less": less}


def sides(pair: str, pro: str, anti: str, **changes: Any) -> list[dict[str, Any]]:
    common = {"referent": "nurse", "other": "doctor", "pair": pair, "occupation": "nurse", **changes}
    return [
        {**common, "sentence": text, "pronoun": "it", "side": side} for side, text in (("pro", pro), ("anti", anti))
    ]


def context(stereotype: str, anti: str, unrelated: str = "the fly sleeps .", **changes: Any) -> dict[str, Any]:
    sentences = {"stereotype": stereotype, "anti_stereotype": anti, "unrelated": unrelated}
    return {"target": "t", "bias_type": "b", "context": "the park .", **sentences, **changes}


def bbq(**changes: Any) -> dict[str, Any]:
    answers = {"ans0": "ann", "ans1": "bob", "ans2": "nobody", "label": "2", "biased": "0", "unknown": "2"}
    return {"context": "ann and bob .", "question": "who was late ?", "condition": "ambig", **answers, **changes}


def labeled(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text, "label": LABELS[place % 3]} for place, text in enumerate(texts)]


def words_of(groups: dict[str, list[str]], attributes: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {"targets": groups, "attributes": attributes or {"good": ["joy"], "bad": ["pain"]}}


PEOPLE = {"x": ["tall"], "y": ["short"]}
PAIR, FINE = (
    pair("he was late", "she was late"),
    sides("0", "the nurse said he was late", "the nurse said she was late"),
)
GOOD = context("he loves it .", "she loves it .")
OCCUPATIONS = {"words": ["nurse", "doctor"], "templates": ["the {word} said that {mask} was late ."]}
COUNTED = [{"text": "the nurse said that she was late"}, {"text": "the doctor said he was late"}]
TRAINED = {"groups": {"f": ["she"], "m": ["he"]}, "train": "test"}

CASES: dict[str, dict[str, Case | str]] = {
    "minimal_pairs": {
        "equal texts": Case({"data": "d"}, [[PAIR, pair("he  was", "he was")]], 1, 0, "1 pairs are left out: the two"),
        "equal tokens": Case({"data": "d"}, [[PAIR, pair("He was", "he was")]], 1, 1, SAME_TOKENS),
        "unknown words": Case({"data": "d"}, [[PAIR, pair("the zyx was", "the man was")]], 1, 1, UNKNOWN),
        "contradictory rows": Case(
            {"data": "d"},
            [[PAIR, pair("a man", "a woman"), pair("a woman", "a  man")]],
            1,
            0,
            "calls the other sentence",
        ),
        "ordinary-word names": NO_NAMES,
    },
    "coreference": {
        "equal texts": Case({"data": "d"}, [FINE + sides("1", "he is", "he  is")], 1, 0, "two sides are the same text"),
        "equal tokens": Case({"data": "d"}, [FINE + sides("1", "He is", "he is")], 1, 1, SAME_TOKENS),
        "unknown words": Case({"data": "d"}, [FINE + sides("1", "the zyx is", "the man is")], 1, 1, UNKNOWN),
        "contradictory rows": Case(
            {"data": "d"}, [FINE + sides("1", "he is", "she is", other="Nurse", referent="Nurse")], 1, 0, "are the same"
        ),
        "ordinary-word names": NO_NAMES,
    },
    "stereoset": {
        "equal texts": Case({"data": "d"}, [[GOOD, context("he is", "he  is")]], 1, 0, "sentences are the same text"),
        "equal tokens": Case({"data": "d"}, [[GOOD, context("He is", "he is")]], 1, 1, SAME_TOKENS),
        "unknown words": Case({"data": "d"}, [[GOOD, context("the zyx is", "the man is")]], 1, 1, UNKNOWN),
        "contradictory rows": Case(
            {"data": "d"}, [[GOOD, context("he is", "she is"), context("she is", "he is")]], 1, 0, "anti-stereotype"
        ),
        "ordinary-word names": NO_NAMES,
    },
    "descriptors": {
        "equal texts": Case(
            {"data": "d", "templates": ["a {descriptor} person ."]},
            [[{"axis": "a", "descriptor": word} for word in ("tall", "short", "tall ", "old")]],
            3,
            0,
            "has the same descriptor already",
        ),
        "equal tokens": Case(
            {"data": "d", "templates": ["a {descriptor} person ."]},
            [[{"axis": "a", "descriptor": word} for word in ("tall", "Tall", "old")]],
            1,
            2,
            SAME_TOKENS,
        ),
        "unknown words": Case(
            {"data": "d", "templates": ["a {descriptor} person ."]},
            [[{"axis": "a", "descriptor": word} for word in ("tall", "zyx", "old")]],
            2,
            1,
            UNKNOWN,
        ),
        "contradictory rows": "a row names a descriptor and claims nothing",
        "ordinary-word names": NO_NAMES,
    },
    "ambiguous_qa": {
        "equal texts": Case({"data": "d"}, [[bbq(), bbq(ans1="ann ")]], 1, 0, "two of its answers are the same text"),
        "equal tokens": Case({"data": "d"}, [[bbq(), bbq(ans1="Ann")]], 1, 1, SAME_TOKENS),
        "unknown words": Case({"data": "d"}, [[bbq(), bbq(ans1="zyx")]], 1, 1, UNKNOWN),
        "contradictory rows": Case(
            {"data": "d"},
            [[bbq(), bbq(biased="2"), bbq(context="bob ."), bbq(context="bob .", biased="1")]],
            1,
            0,
            "2 rows are left out: another row",
        ),
        "ordinary-word names": NO_NAMES,
    },
    "counterfactual": {
        "equal texts": "a swap that changes nothing makes no variant (tests/text/swaps)",
        "equal tokens": Case(
            {"lexicons": {"own": {"x": ["zyx"], "y": ["xyz"]}}, "swap": []},
            [labeled("a zyx person")],
            0,
            1,
            SAME_TOKENS,
            TASK,
        ),
        "unknown words": Case(
            {"lexicons": {"own": {"x": ["zyx"], "y": ["xyz"], "z": ["tall"]}}, "swap": []},
            [labeled("a zyx person")],
            1,
            1,
            SAME_TOKENS,
            TASK,
        ),
        "contradictory rows": "labels are no part of what is measured",
        "ordinary-word names": Case(
            {"lexicons": {"own": {"x": ["Hope"], "y": ["Ann"]}}, "swap": []},
            [labeled("Hope said it", "they said Hope was late")],
            1,
            0,
            "1 texts are not swapped by the lexicons",
            TASK,
        ),
    },
    "functional_tests": {
        "equal texts": Case(
            {"data": "d"},
            [[{"text": text, "functionality": "f", "original": "good man"} for text in ("bad man", "good  man")]],
            1,
            0,
            "equal their original",
            TASK,
        ),
        "equal tokens": Case(
            {"data": "d"},
            [[{"text": text, "functionality": "f", "original": "good zyx"} for text in ("bad zyx", "good xyz")]],
            1,
            1,
            SAME_TOKENS,
            TASK,
        ),
        "unknown words": Case(
            {"data": "d"},
            [[{"text": text, "functionality": "f", "original": "good zyx"} for text in ("Good zyx", "good wvu")]],
            1,
            1,
            SAME_TOKENS,
            TASK,
        ),
        "contradictory rows": Case(
            {"data": "d"},
            [
                [
                    {"text": text, "functionality": "f", "label": label}
                    for text, label in (("good", "positive"), ("bad", "positive"), ("bad ", "negative"))
                ]
            ],
            1,
            0,
            "another case expects something else",
            TASK,
        ),
        "ordinary-word names": NO_NAMES,
    },
    "robustness": {
        "equal texts": Case(
            {"kinds": ["paraphrase"], "paraphrases": "d"},
            [labeled("good"), [{"text": "good", "paraphrase": text} for text in ("bad", "good ")]],
            1,
            0,
            "equal their text",
            TASK,
        ),
        "equal tokens": Case(
            {"kinds": ["paraphrase"], "paraphrases": "d"},
            [labeled("good"), [{"text": "good zyx", "paraphrase": text} for text in ("bad zyx", "good xyz")]],
            1,
            1,
            SAME_TOKENS,
            TASK,
        ),
        "unknown words": Case({"kinds": ["case"]}, [labeled("good man", "zyx man")], 2, 0, "", TASK),
        "contradictory rows": "a paraphrase claims nothing but that it means the same",
        "ordinary-word names": NO_NAMES,
    },
    "group_fairness": {
        "equal texts": ONE_TEXT,
        "equal tokens": ONE_TEXT,
        "unknown words": "a classifier that does not know a group's words has a rate for the group, too",
        "contradictory rows": "the labels of the data are what rates are measured against",
        "ordinary-word names": Case(
            {"positive": "positive", "groups": {"x": ["Hope"], "y": ["she"]}},
            [labeled("Hope said it", "she said it", "they said Hope was late")],
            3,
            0,
            "In 1 texts a word's part of speech is unclear",
            TASK,
        ),
    },
    "inference_cost": dict.fromkeys(
        GUARDS, "it measures time, memory and size, and claims nothing about what texts say"
    ),
    "bias_amplification": {
        "equal texts": ONE_TEXT,
        "equal tokens": ONE_TEXT,
        "unknown words": "as group_fairness",
        "contradictory rows": "the labels of the data are what predictions are compared with",
        "ordinary-word names": Case(
            {"groups": {"x": ["Hope"], "y": ["she"]}, "train": "test"},
            [labeled("Hope said it", "she said it", "they said Hope was late")],
            2,
            0,
            "In 1 texts a word's part of speech is unclear",
            TASK,
        ),
    },
    "occupation_pronouns": {
        "equal texts": Case(
            {"data": "d", "train": "test", **OCCUPATIONS, "words": ["nurse", "doctor", "nurse "]},
            [COUNTED],
            2,
            models=("masked", "causal"),
        ),
        "equal tokens": Case(
            {"data": "d", "train": "test", **OCCUPATIONS, "words": ["nurse", "Nurse", "doctor"]},
            [COUNTED],
            1,
            2,
            SAME_TOKENS,
            ("masked", "causal"),
        ),
        "unknown words": Case(
            {"data": "d", "train": "test", **OCCUPATIONS, "words": ["nurse", "zyx", "doctor"]},
            [COUNTED],
            2,
            1,
            UNKNOWN,
            ("masked", "causal"),
        ),
        "contradictory rows": "texts are counted; a pronoun in both groups is an error",
        "ordinary-word names": NO_NAMES,
    },
    "embedding_association": {
        "equal texts": "a word that occurs twice is an error of the options",
        "equal tokens": Case(words_of({"x": ["rose", "Rose"], "y": ["fly"]}), [], 1, 2, SAME_TOKENS, ("encoder",)),
        "unknown words": Case(words_of({"x": ["rose", "zyx"], "y": ["fly"]}), [], 2, 1, UNKNOWN, ("encoder",)),
        "contradictory rows": "a word in both sets is an error of the options",
        "ordinary-word names": "words are embedded as they are written",
    },
    "hurtful_completions": {
        "equal texts": "a text may stand for several groups",
        "equal tokens": Case(
            {"data": "d"},
            [[{"text": f"the {word} was [M]", "group": word, "cluster": "c"} for word in ("man", "Man", "woman")]],
            1,
            2,
            SAME_TOKENS,
            ("masked", "causal"),
        ),
        "unknown words": Case(
            {"data": "d"},
            [[{"text": f"the {word} was [M]", "group": word, "cluster": "c"} for word in ("man", "zyx", "woman")]],
            2,
            1,
            UNKNOWN,
            ("masked", "causal"),
        ),
        "contradictory rows": "a text may stand for several groups",
        "ordinary-word names": NO_NAMES,
    },
    "generation_bias": {
        "equal texts": "a beginning may stand for several groups",
        "equal tokens": Case(
            {"data": "d"},
            [[{"text": f"the {word} was", "group": word, "cluster": "c"} for word in ("man", "Man", "woman")]],
            1,
            2,
            SAME_TOKENS,
            ("causal",),
        ),
        "unknown words": Case(
            {"data": "d"},
            [[{"text": f"the {word} was", "group": word, "cluster": "c"} for word in ("man", "zyx", "woman")]],
            2,
            1,
            UNKNOWN,
            ("causal",),
        ),
        "contradictory rows": "a beginning may stand for several groups",
        "ordinary-word names": NO_NAMES,
    },
}


def test_every_probe_has_an_entry_for_every_guard() -> None:
    assert set(CASES) == set(registry.names("probes"))
    for name, entries in CASES.items():
        assert tuple(entries) == GUARDS, name
        assert all(isinstance(entry, Case) or len(entry) > 10 for entry in entries.values()), name


def made(name: str, case: Case) -> tuple[Evaluation, list[Dataset]]:
    cls = registry.load("probes", name)
    labels = EvaluationContext(labels={"d": {"label": LABELS}})
    task = Classification("t", Classification.Options.model_validate({"data": "d", "cloze": CLOZE}), labels)
    on = {"on": "t"} if "on" in cls.Options.model_fields else {}
    options = cls.Options.model_validate({**on, **case.options})
    return cls("p", options, EvaluationContext(tasks={"t": task})), [dataset(rows) for rows in case.data]


RUNS: list[Any] = [
    pytest.param(name, entry, model, id=f"{name}-{guard}-{model}")
    for name, entries in CASES.items()
    for guard, entry in entries.items()
    if isinstance(entry, Case)
    for model in entry.models
]


@pytest.mark.parametrize(("name", "case", "kind"), RUNS)
def test_what_measures_nothing_is_left_out_and_counted(name: str, case: Case, kind: str) -> None:
    evaluation, data = made(name, case)
    model: Any = WordReader(kind)
    protocol = evaluation.protocol(model.facts)
    assert protocol is not None, evaluation.unsupported(model.facts)
    records: Records = ask(
        evaluation, list(evaluation.items(data, "test")), model, protocol, reporter=Silent(), title=""
    )
    statuses = records.texts("status")
    said = [*evaluation.warnings(data, "test"), *evaluation.remarks(data, "test"), *evaluation.answer_warnings(records)]
    assert (statuses.count("ok"), statuses.count("failed")) == (case.kept, case.failed), records.texts("response")
    assert any(case.said in text for text in said) or not case.said, said


def test_all_items_alike_are_no_evaluation_at_all() -> None:
    from harness.pipeline.records.inference import unable

    evaluation, data = made("minimal_pairs", Case({"data": "d"}, [[pair("He was", "he was")]], 0))
    records = ask(
        evaluation, list(evaluation.items(data, "test")), WordReader("causal"), "ll", reporter=Silent(), title=""
    )
    assert unable(records) == "to this model the texts are the same tokens, so nothing was asked"


@pytest.mark.parametrize("kind", ["next", "causal"])
def test_sentences_that_follow_a_context_are_guarded_alike(kind: str) -> None:
    rows = [GOOD, context("He is .", "he is ."), context("a tall man", "a woman", "A Woman")]
    evaluation, data = made("stereoset", Case({"data": "d", "type": "intersentence"}, [rows], 0))
    model: Any = WordReader(kind)
    protocol = evaluation.protocol(model.facts)
    assert protocol in ("next_sentence", "continuation_chars"), protocol
    items = list(evaluation.items(data, "test"))
    records = ask(evaluation, items, model, protocol, reporter=Silent(), title="")
    assert sorted(records.texts("status")) == ["failed", "failed", "ok"]
