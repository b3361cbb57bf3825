"""Rankings by vectors and by a head, against plain similarities; a large pool is embedded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness_support import model_zoo
from harness_support.model_zoo import TEXTS

from harness.core.requests import DocumentPool, Embed, Rank, Regress

POOL = DocumentPool([text for text in TEXTS if text.strip()])


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("large", [False, True])
def test_documents_are_ranked_by_their_vectors(
    similarity: str, large: bool, tmp_path: Path, opened, monkeypatch
) -> None:
    if large:
        monkeypatch.setattr("harness.models.local.requests.rank_documents._LARGE", 1)
    model = opened(model_zoo.language_model("bert", tmp_path))
    request = Rank("one two", POOL, len(POOL.texts), "mean", similarity=similarity)
    embeds = [Embed(text) for text in ("one two", *POOL.texts)]
    known = dict(model.answer(embeds))
    vectors = np.array([known[one].values for one in embeds], dtype=np.float64)
    if similarity == "cosine":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = vectors[1:] @ vectors[0]
    (ranking,) = dict(model.answer([request])).values()
    assert ranking.places == tuple(np.argsort(-expected, kind="stable").tolist())
    assert ranking.scores == pytest.approx(sorted(expected, reverse=True), rel=1e-5)


def test_documents_are_ranked_by_a_head_that_reads_both(tmp_path: Path, opened) -> None:
    model = opened(model_zoo.with_head("bert", "sequence", tmp_path, ("score",)))
    asked = [Regress("one two", text) for text in POOL.texts]
    known = dict(model.answer(asked))
    expected = np.array([known[one].values[0] for one in asked])
    (ranking,) = dict(model.answer([Rank("one two", POOL, 3)])).values()
    assert ranking.places == tuple(np.argsort(-expected, kind="stable")[:3].tolist())


def test_a_key_is_that_of_the_texts() -> None:
    again = DocumentPool(list(POOL.texts))
    assert Rank("q", POOL, 3).key() == Rank("q", again, 3).key()
    assert Rank("q", POOL, 3) == Rank("q", again, 3)
    assert Rank("q", DocumentPool([*POOL.texts, "more"]), 3).key() != Rank("q", POOL, 3).key()
