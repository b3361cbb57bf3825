"""With the guests on and off, answers are alike; nothing but openers and training knows them."""

import ast
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.core.requests import Classify, Cloze, Continuations, PseudoLikelihood
from harness.models.local.fast_path import NoFastPaths
from harness.models.local.fastpaths.installed import SWITCH, Installed

TEXTS = ("The nurse told the doctor that she was happy.", "A short film about music can be good.")
HEADER = "The nurse told the doctor that she was happy. A short film. " * 2
ASKED = {
    "masked": [PseudoLikelihood(text, scorer) for text in TEXTS for scorer in ("pll", "pll_word_l2r")]
    + [Cloze("The {mask} was long.", (("a", "o"), ("the",)))],
    "causal": [Continuations(f"{HEADER}{text}", (" good", " bad film", " the doctor")) for text in TEXTS],
}
OPENERS = {
    "models/local/transformers_backend.py",
    "training/loop/training_loop.py",
    "training/stages/align_stage.py",
    "training/stages/pretraining_budget.py",
}


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "gpt2", "llama"])
def test_answers_are_alike_with_guests_and_without(kind, zoo, opened, monkeypatch):
    asked = ASKED["causal" if kind in {"gpt2", "llama"} else "masked"]
    values = []
    for switch, paths in (("", Installed), ("0", NoFastPaths)):
        monkeypatch.setenv(SWITCH, switch)
        model = opened(zoo(kind))
        assert isinstance(model.backend.network.fast_paths, paths)
        answers = dict(model.answer(asked))
        values.append([getattr(answers[request], "values", None) or (answers[request].total,) for request in asked])
    for fast, plain in zip(*(np.concatenate(part) for part in values), strict=True):
        assert abs(fast - plain) <= 1e-4 + 2e-6 * abs(plain)


def test_a_classifier_answers_alike_with_guests_and_without(tmp_path, opened, monkeypatch):
    from harness_support import model_zoo

    folder = model_zoo.classifier("bert", tmp_path, ("no", "yes"))
    asked = [Classify(text, ("no", "yes")) for text in TEXTS]
    values = []
    for switch in ("1", "0"):
        monkeypatch.setenv(SWITCH, switch)
        answers = dict(opened(folder).answer(asked))
        values.append([answers[request].values for request in asked])
    np.testing.assert_allclose(values[0], values[1], rtol=2e-6, atol=1e-4)


def test_openers_and_training_alone_know_the_guests():
    root = Path(harness.__file__).parent
    knows = {
        str(path.relative_to(root)): name
        for path in root.rglob("*.py")
        if "fastpaths" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in [getattr(node, "module", None) or ""]
        if "local.fastpaths" in name
    }
    assert set(knows) == OPENERS
    assert set(knows.values()) == {"harness.models.local.fastpaths.installed"}
