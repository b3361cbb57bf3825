"""Every kind of model says what it read, so that probes know which texts it cannot tell apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_support import model_zoo, toy_server

from harness.core.reporter import Silent
from harness.core.requests import (
    Classify,
    Cloze,
    Continuations,
    Embed,
    Generate,
    PseudoLikelihood,
    Request,
    RollingLikelihood,
    TopCompletions,
    input_marks,
    response_from_json,
)
from harness.model_kinds.server_kind import ServerSpec
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.formats.classical_file import ClassicalWeights, write_classical
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.models.server.open_server import served
from harness.storage.store import Store

Make = Callable[[str], Request]
MASKED: list[Make] = [
    lambda text: Cloze(f"{text} {{mask}}.", (("a",), ("the", "o"))),
    lambda text: PseudoLikelihood(text, "pll"),
    lambda text: TopCompletions(f"{text} {{mask}}", 2),
    lambda text: Embed(text),
]
CAUSAL: list[Make] = [
    lambda text: Continuations(text, (" the", " he")),
    lambda text: RollingLikelihood(text),
    lambda text: TopCompletions(text, 2),
    lambda text: Generate(text, max_tokens=1),
]
SEQ2SEQ: list[Make] = [lambda text: Continuations("", (text,)), lambda text: Generate(text, max_tokens=1)]


def read(model: CachedModel, make: Make, *texts: str) -> list[Any]:
    """What the model read of each text, also after the answer was stored and read again."""
    requests = [make(text) for text in texts]
    answers = dict(model.answer(requests))
    for request in requests:
        again = response_from_json(answers[request].to_json())
        assert input_marks(again) == input_marks(answers[request])
    return [input_marks(answers[request]) for request in requests]


@pytest.mark.parametrize(
    ("kind", "make"),
    [("bert", make) for make in MASKED] + [("gpt2", make) for make in CAUSAL] + [("t5", make) for make in SEQ2SEQ],
)
def test_language_models_say_what_they_read(kind: str, make: Make, zoo: Any, opened: Any) -> None:
    same_words = "the  nurse" if kind == "bert" else "the nurse"
    first, same, other = read(opened(zoo(kind)), make, "the nurse", same_words, "he")
    assert first is not None
    assert first == same != other


def test_unknown_words_are_the_same_and_counted(zoo: Any, opened: Any) -> None:
    for make in MASKED:
        first, same, known = read(opened(zoo("bert")), make, "the \u3042", "the \u3044", "the nurse")
        assert first == same != known
        assert (first[0].unknown, known[0].unknown) == (1, 0)


def test_a_head_and_a_bag_of_words_say_what_they_read(tmp_path: Path, opened: Any) -> None:
    folder = model_zoo.classifier("bert", tmp_path / "head", ("no", "yes"))
    weights = ClassicalWeights({"he": 0, "she": 1}, np.ones(2), np.eye(2), np.zeros(2), ("no", "yes"))
    (tmp_path / "bag").mkdir()
    write_classical(tmp_path / "bag", weights)
    page = {"format": 1, "kind": "classical", "labels": ["no", "yes"]}
    (tmp_path / "bag" / "checkpoint.json").write_text(json.dumps(page))
    for model in (opened(folder), opened(tmp_path / "bag")):
        texts = ("he \u3042\u3042", "he \u3044\u3044", "she")
        he, also, she = read(model, lambda text: Classify(text, ("no", "yes")), *texts)
        assert he == also != she
        assert he[0].unknown > 0
        assert she[0].unknown == 0


def test_a_server_says_the_tokens_that_it_returns(tmp_path: Path) -> None:
    with toy_server.running() as toy:
        spec = ServerSpec.model_validate({"url": toy.url, "model": "toy"})
        server = served(spec, base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())
        model = open_model(server, OpenContext(resolve=Path, responses=None))
        for make in CAUSAL[:2]:
            first, same, other = read(model, make, "the nurse", "the nurse", "he said")
            assert first is not None
            assert first == same != other
        (written,) = read(model, CAUSAL[3], "the nurse")
        assert written is None, "which tokens a server reads to write is not said"
