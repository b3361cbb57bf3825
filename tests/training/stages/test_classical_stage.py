from pathlib import Path

import numpy as np
import pytest
from harness_support.training_samples import LABELS, examples, label_inputs, labeled, run_stage

from harness.core.digests import file_digest
from harness.core.errors import DataError
from harness.core.examples import LabeledText
from harness.core.reporter import Silent
from harness.core.requests import Classify
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.models.checkpoint.formats.classical_file import read_classical
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

_SPEC = ClassicalSpec(task="mood")


def test_it_learns_and_writes_no_pickle(tmp_path: Path) -> None:
    made = run_stage(_SPEC, label_inputs(None), tmp_path / "a", Silent())
    assert made["validation"]["accuracy"] > 0.9
    weights = read_classical(tmp_path / "a")
    assert weights.labels == LABELS
    assert "lovely" in weights.vocabulary
    assert any(" " in ngram for ngram in weights.vocabulary)
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".json", ".safetensors"}


def test_the_files_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_stage(_SPEC, label_inputs(None), tmp_path / name, Silent())
    for file in ("classical.safetensors", "vocabulary.json"):
        assert file_digest(tmp_path / "one" / file) == file_digest(tmp_path / "two" / file)


def test_the_weights_give_scikit_learns_answers(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    run_stage(_SPEC, label_inputs(None), tmp_path / "a", Silent())
    weights = read_classical(tmp_path / "a")
    texts = [text for text, _ in examples()]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, vocabulary=dict(weights.vocabulary)).fit(texts)
    assert np.allclose(vectorizer.idf_, weights.idf)
    scores = vectorizer.transform(texts) @ weights.coef.T + weights.intercept
    assert np.mean(scores.argmax(axis=1) == [label for _, label in examples()]) == 1


def test_texts_without_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no word"):
        run_stage(_SPEC, label_inputs(None, train=labeled([("!", 0), ("?", 1)])), tmp_path / "a", Silent())


def test_labels_without_validation_are_cross_validated(tmp_path: Path) -> None:
    made = run_stage(_SPEC, label_inputs(None, validation=()), tmp_path / "a", Silent())
    assert made["validation"] is None


def test_pairs_are_told_apart_by_the_words_they_share(tmp_path: Path) -> None:
    things = ("kettle", "lamp", "garden", "soup", "train", "window")
    pairs = [
        LabeledText(f"where is the {asked}?", (int(asked == told),), pair=f"they say that a {told} is here")
        for asked in things
        for told in things
    ]
    alike = [pair for pair in pairs if pair.places == (1,)] * 5
    made = run_stage(
        _SPEC, label_inputs(None, train=[*pairs, *alike], validation=(*pairs, *alike)), tmp_path / "a", Silent()
    )
    assert made["validation"]["accuracy"] == 1.0
    model = open_model(tmp_path / "a", OpenContext(resolve=lambda _: tmp_path, responses=None))
    asked = Classify("where is the lamp?", LABELS, pair="they say that a lamp is here")
    other = Classify("where is the lamp?", LABELS, pair="they say that a soup is here")
    answers = dict(model.answer([asked, other]))
    assert np.argmax(answers[asked].values) == 1
    assert np.argmax(answers[other].values) == 0
