from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from harness_support.model_zoo import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from harness.core.errors import CheckpointError
from harness.core.requests import Classify, PseudoLikelihood
from harness.models.checkpoint.formats.classical_file import ClassicalWeights, read_classical, write_classical
from harness.models.checkpoint.formats.linear_head_file import LinearHead, read_linear, write_linear
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

LABELS = {2: ("no", "yes"), 3: ("negative", "neutral", "positive")}


def fitted(classes, lowercase=True, ngrams=(1, 2), sublinear=True):
    vectorizer = TfidfVectorizer(lowercase=lowercase, ngram_range=ngrams, sublinear_tf=sublinear)
    texts = TEXTS * 3 + ["good good film", "Bad bad music", "the the the long report"]
    classifier = LogisticRegression(C=20.0).fit(
        vectorizer.fit_transform(texts), [i % classes for i in range(len(texts))]
    )
    return vectorizer, classifier


def save(folder, classes, vectorizer, classifier):
    weights = ClassicalWeights(
        vocabulary={ngram: int(column) for ngram, column in vectorizer.vocabulary_.items()},
        idf=vectorizer.idf_,
        coef=classifier.coef_,
        intercept=classifier.intercept_,
        labels=LABELS[classes],
        lowercase=vectorizer.lowercase,
        ngrams=vectorizer.ngram_range,
        token_pattern=vectorizer.token_pattern,
        sublinear=vectorizer.sublinear_tf,
    )
    write_classical(folder, weights)
    (folder / "checkpoint.json").write_text(json.dumps({"format": 1, "kind": "classical", "labels": LABELS[classes]}))


@pytest.mark.parametrize(
    ("classes", "lowercase", "ngrams", "sublinear"), [(2, True, (1, 1), False), (3, False, (1, 3), True)]
)
def test_classical_equals_scikit_learn(classes, lowercase, ngrams, sublinear, tmp_path, opened):
    vectorizer, classifier = fitted(classes, lowercase, ngrams, sublinear)
    save(tmp_path, classes, vectorizer, classifier)
    model = opened(tmp_path)
    facts = model.facts
    assert (facts.family, facts.labels, facts.language_model) == ("bag_of_words", LABELS[classes], None)
    words = [*" ".join(TEXTS).split(), "Good", "unseen", "é", "🙂"]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.sampled_from(words), max_size=12).map(" ".join))
    def check(text):
        ((_, answer),) = model.answer([Classify(text, LABELS[classes])])
        expected = classifier.predict_log_proba(vectorizer.transform([text]))[0]
        np.testing.assert_allclose(answer.values, expected, atol=1e-6, rtol=0)

    check()
    ((_, answer),) = model.answer([PseudoLikelihood("a")])
    assert answer.reason == "unsupported"


def test_light_work_imports_no_torch(tmp_path):
    save(tmp_path, 3, *fitted(3))
    code = (
        "import sys, pathlib\n"
        "from harness.core.requests import Classify\n"
        "from harness.models.checkpoint.checkpoint_digest import checkpoint_digest\n"
        "from harness.models.checkpoint.inspection import inspect\n"
        "from harness.models.device_policy import answer_policy\n"
        "from harness.models.open_context import OpenContext\n"
        "from harness.models.open_model import open_model\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "inspect(folder), checkpoint_digest(folder, None), answer_policy()\n"
        "model = open_model(folder, OpenContext(resolve=lambda key: folder))\n"
        "print(list(model.answer([Classify('good film', ('positive',))])))\n"
        "print(sorted({'torch', 'transformers', 'sklearn', 'peft'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_linear_round_trip_and_two_labels(tmp_path):
    generator = np.random.default_rng(0)
    head = LinearHead(
        coef=generator.normal(size=(1, 4)),
        intercept=generator.normal(size=1),
        mean=np.zeros(4),
        scale=np.ones(4),
        labels=LABELS[2],
    )
    write_linear(tmp_path, head)
    again = read_linear(tmp_path)
    np.testing.assert_array_equal(again.coef, np.concatenate([np.zeros((1, 4)), head.coef]))
    assert again.labels == LABELS[2]
    with pytest.raises(ValueError, match="labels"):
        write_linear(tmp_path, LinearHead(head.coef, head.intercept, head.mean, head.scale, LABELS[3]))
    with pytest.raises(ValueError, match="scale"):
        write_linear(tmp_path, LinearHead(head.coef, head.intercept, head.mean, np.ones(3), LABELS[2]))


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("classical.json", "{", "cannot be read"),
        ("classical.json", '{"format": 1, "labels": ["a", "a"]}', "different labels"),
        ("classical.json", '{"format": 7}', "format 1"),
        ("classical.json", '{"format": 1, "labels": ["a", "b", "c"]}', "key 'lowercase' is missing"),
        ("vocabulary.json", '{"a": 0}', "shape"),
        ("classical.safetensors", "short", "cannot be read"),
    ],
)
def test_damaged_classical_files(file, content, words, tmp_path):
    save(tmp_path, 3, *fitted(3))
    (tmp_path / file).write_text(content)
    with pytest.raises(CheckpointError, match=words):
        read_classical(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(CheckpointError, match=f"no {file}"):
        read_classical(tmp_path)
    with pytest.raises(CheckpointError):
        open_model(tmp_path, OpenContext(resolve=lambda key: tmp_path, responses=None))


@pytest.mark.parametrize("pattern", ["(", "(a+)+$", r"\S+"])
def test_a_token_pattern_of_a_stranger_is_refused(pattern, tmp_path, opened):
    save(tmp_path, 3, *fitted(3))
    settings_ = json.loads((tmp_path / "classical.json").read_text())
    (tmp_path / "classical.json").write_text(json.dumps({**settings_, "token_pattern": pattern}))
    with pytest.raises(CheckpointError, match="expected the token pattern"):
        opened(tmp_path)


def test_columns_that_repeat_are_refused(tmp_path):
    save(tmp_path, 3, *fitted(3))
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_text())
    (tmp_path / "vocabulary.json").write_text(json.dumps(dict.fromkeys(vocabulary, 0)))
    with pytest.raises(CheckpointError, match="each column"):
        read_classical(tmp_path)
