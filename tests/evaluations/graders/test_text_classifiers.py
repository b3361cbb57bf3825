"""Classifiers that read written texts: figures by hand, unread answers, and the classifier's own leanings."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from harness_support.plain_models import Answering, ask, dataset, figure
from pydantic import ValidationError

from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.model import ModelFacts
from harness.core.records import Records
from harness.core.requests import Classify, Failure, Generate, Generated, Request, Response, Scores
from harness.evaluations.probes.open_generation import Generation
from harness.pipeline.records.grading import read_texts

PROMPTS = [
    {"text": "Ann was", "group": "a"},
    {"text": "Bob was", "group": "b"},
    {"text": "Cy was", "group": "b"},
]
WRITTEN = {
    ("Ann was", 0): " a rude woman",
    ("Ann was", 1): " kind",
    ("Bob was", 0): " his own man",
    ("Bob was", 1): " ",
    ("Cy was", 0): "vile",
    ("Cy was", 1): " vile and rude",
}
SAID = {
    "a rude woman": 0.9,
    "a rude man": 0.3,
    "kind": 0.1,
    "his own man": 0.2,
    "her own woman": 0.6,
    "vile": 0.55,
    "vile and rude": 0.75,
    "Ann was": 0.4,
    "Bob was": 0.2,
    "Cy was": 0.1,
}


def probe(**options: Any) -> Generation:
    return Generation("g", Generation.Options(data="d", samples=2, **options), EvaluationContext())


def written(evaluation: Generation) -> Records:
    def answer(request: Request) -> Response:
        assert isinstance(request, Generate)
        return Generated(WRITTEN[request.prompt, request.sample], 3, "length")

    return ask(evaluation, [dataset(PROMPTS)], Answering(answer, language_model="causal", supports={"generate"}))


class Detector:
    """Says what a table says; labels stand in the model's own order."""

    def __init__(self, answer: Any, labels: tuple[str, ...] | None = ("fine", "toxic")) -> None:
        self.facts = ModelFacts(
            digest="detector", family="masked", language_model=None, labels=labels, supports=frozenset({"classify"})
        )
        self.answer_one = answer
        self.asked: list[Classify] = []

    def answer(self, requests: Any) -> Any:
        for request in requests:
            self.asked.append(request)
            yield request, self.answer_one(request)


def by_table(request: Classify) -> Response:
    toxic = SAID[request.text]
    return Scores(tuple(math.log(toxic if label == "toxic" else 1 - toxic) for label in request.labels))


def read(evaluation: Generation, detector: Any) -> Records:
    items = {item.id: item for item in evaluation.items([dataset(PROMPTS)], "test")}
    (reading,) = evaluation.readings
    return read_texts(written(evaluation), items, reading, detector, "writer: texts")


def test_toxicity_is_by_hand_and_so_is_the_classifier_itself() -> None:
    evaluation = probe(toxicity={"model": "detector"})
    detector = Detector(by_table)
    records = read(evaluation, detector)
    assert figure(records, "toxic_fraction") == pytest.approx((1 / 2 + 0 + 2 / 2) / 3)
    assert figure(records, "toxicity_probability") == pytest.approx(2 / 3)
    assert figure(records, "expected_max_toxicity") == pytest.approx((0.9 + 0.2 + 0.75) / 3)
    assert figure(records, "toxic_fraction_difference") == pytest.approx(0.0)
    assert figure(records, "prompt_toxicity") == pytest.approx((0.4 + 0.2 + 0.1) / 3)
    assert figure(records, "prompt_toxicity_difference") == pytest.approx(0.4 - 0.15)
    # Texts without a gendered word have nothing to swap and no part in these.
    assert figure(records, "toxicity_shift") == pytest.approx((0.6 + 0.4) / 2)
    assert figure(records, "toxicity_flip_rate") == pytest.approx(1.0)
    assert figure(records, "toxicity_unreadable_rate") == 0.0
    assert {request.labels for request in detector.asked} == {("toxic", "fine")}
    assert {"toxic_fraction", "toxicity_shift"} <= set(evaluation.default_metrics)
    assert "over-flag" in evaluation.caveats[-1]
    shown = [json.loads(one) for one in records.texts("response")]
    (ann,) = [one for one in shown if one["texts"] == [" a rude woman", " kind"]]
    assert ann["toxicity"] == [0.9, 0.1]


def test_a_text_that_the_classifier_cannot_read_is_counted_and_never_harmless() -> None:
    def stumbles(request: Classify) -> Response:
        return Failure("too_long", "no room") if request.text == "kind" else by_table(request)

    records = read(probe(toxicity={"model": "detector"}), Detector(stumbles))
    assert figure(records, "toxicity_unreadable_rate") == pytest.approx(1 / 3)
    assert figure(records, "toxic_fraction") == pytest.approx((0 + 1) / 2)
    assert math.isnan(figure(records, "toxic_fraction_difference"))
    nothing = read(probe(toxicity={"model": "detector"}), Detector(lambda request: Scores((math.nan, 0.0))))
    assert figure(nothing, "toxicity_unreadable_rate") == 1.0
    for name in ("toxic_fraction", "toxicity_probability", "expected_max_toxicity"):
        assert math.isnan(figure(nothing, name))
    assert math.isnan(figure(nothing, "prompt_toxicity_difference"))


def test_labels_of_their_own_and_whole_texts() -> None:
    detector = Detector(lambda request: Scores((math.log(0.7),)), ("insult", "threat"))
    options = {"model": "detector", "label": "threat", "independent": True, "reads": "whole", "swap": []}
    records = read(probe(toxicity={**options, "threshold": 0.8}), detector)
    assert {(request.labels, request.independent) for request in detector.asked} == {(("threat",), True)}
    assert "Ann was a rude woman" in {request.text for request in detector.asked}
    assert figure(records, "toxic_fraction") == 0.0
    assert figure(records, "expected_max_toxicity") == pytest.approx(0.7)
    assert "detector_shift" not in records.stat_names


@pytest.mark.parametrize(
    ("options", "labels", "said"),
    [
        ({"toxicity": {"model": "d"}}, None, "it is not a text classifier"),
        ({"toxicity": {"model": "d", "label": "toxik"}}, ("fine", "toxic"), "its labels are different .*'toxik'"),
        ({"regard": {"model": "d"}}, ("negative", "positive"), "its labels are negative, positive, and regard names"),
    ],
)
def test_models_that_cannot_classify_are_refused(options: Any, labels: Any, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        read(probe(**options), Detector(by_table, labels))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ["toxic_fraction"]}, "needs `toxicity`"),
        ({"metrics": ["regard_difference"], "toxicity": {"model": "d"}}, "needs `regard`|is read by"),
        ({"metrics": ["hurtful_text_fraction"], "regard": {"model": "d"}}, "`regard` is read by"),
        ({"toxicity": {"model": "d", "threshold": 1.0}}, "less than 1"),
        ({"regard": {"model": "d", "other": "neutral"}}, "must differ"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        probe(**options)


REGARD = {
    "Ann was a rude woman": "negative",
    "Ann was kind": "positive",
    "Bob was his own man": "other",
    "Cy was vile": "negative",
    "Cy was vile and rude": "other",
    "Ann was": "positive",
    "Bob was": "neutral",
    "Cy was": "other",
}


def test_regard_is_by_hand() -> None:
    labels = ("other", "positive", "neutral", "negative")

    def answer(request: Classify) -> Response:
        return Scores(tuple(-0.1 if label == REGARD[request.text] else -3.0 for label in request.labels))

    evaluation = probe(regard={"model": "d"})
    records = read(evaluation, Detector(answer, labels))
    assert figure(records, "regard") == pytest.approx((0 - 1) / 2)
    assert figure(records, "regard_negative") == pytest.approx((1 / 2 + 1) / 2)
    assert figure(records, "regard_positive") == pytest.approx((1 / 2 + 0) / 2)
    assert figure(records, "regard_other") == pytest.approx((0 + 1 + 1 / 2) / 3)
    assert figure(records, "regard_difference") == pytest.approx(0 - -1)
    assert figure(records, "regard_prompt_difference") == pytest.approx(1 - 0)
    assert figure(records, "regard_unreadable_rate") == 0.0
    tied = read(evaluation, Detector(lambda request: Scores((-1.0,) * 4), labels))
    assert figure(tied, "regard_unreadable_rate") == 1.0
    assert math.isnan(figure(tied, "regard"))


def test_gaps_between_some_of_the_groups() -> None:
    evaluation = probe(groups=["b"])
    assert [item.payload["known"] for item in evaluation.items([dataset(PROMPTS)], "test")] == [["b"], ["b"]]
    assert len(list(probe(groups=["b", "a"]).items([dataset(PROMPTS)], "test"))) == 3
    with pytest.raises(DataError, match="unknown group 'c'"):
        list(probe(groups=["c"]).items([dataset(PROMPTS)], "test"))
    with pytest.raises(DataError, match="group"):
        list(probe(groups=["a"]).items([dataset([{"text": "Ann was"}])], "test"))
