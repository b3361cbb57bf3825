import numpy as np
import pytest
from harness_support.training_samples import BAD, GOOD

from harness.training.objectives.ppmi_embeddings import cooccurrence, ppmi, word_vectors


def test_pairs_within_the_window_count_both_ways_and_stay_in_their_document() -> None:
    counts = cooccurrence([([[0, 1, 2], [3, 0]], 1.0)], 4, 1).toarray()
    expected = np.zeros((4, 4))
    for left, right in ((0, 1), (1, 2), (3, 0)):
        expected[left, right] += 1
        expected[right, left] += 1
    assert np.array_equal(counts, expected)
    assert cooccurrence([([[0, 1, 2], [3, 0]], 1.0)], 4, 2).toarray()[0, 2] == 1
    assert cooccurrence([([[0, 1, 2], [3, 0]], 1.0)], 4, 3).toarray()[2, 3] == 0


def test_a_collections_weight_multiplies_its_pairs() -> None:
    counts = cooccurrence([([[0, 1]], 1.0), ([[0, 1]], 10.0)], 2, 1)
    assert counts.toarray()[0, 1] == 11


def test_ppmi_is_by_hand() -> None:
    counts = cooccurrence([([[0, 1]] * 3 + [[0, 2]], 1.0)], 3, 1)
    found = ppmi(counts).toarray()
    sums = np.array([4.0, 3.0, 1.0])
    contexts = sums**0.75 / (sums**0.75).sum()
    assert found[0, 1] == pytest.approx(np.log(3 / (4 * contexts[1])), rel=1e-5)
    assert found[1, 2] == 0


def test_words_of_one_company_are_near_each_other() -> None:
    chance = np.random.default_rng(0)
    words = [*GOOD, *BAD]
    documents = [
        [4 * side + int(chance.integers(4)) for _ in range(6)] for side in chance.integers(2, size=400).tolist()
    ]
    vectors = word_vectors([(documents, 1.0)], len(words) + 1, 6, window=5, seed=0)
    unit = vectors[: len(words)] / np.linalg.norm(vectors[: len(words)], axis=1, keepdims=True)
    near = unit @ unit.T
    assert near[:4, :4].mean() > near[:4, 4:].mean() + 0.5
    assert not vectors[len(words)].any()
    assert vectors[: len(words)].std() == pytest.approx(1, abs=1e-3)


def test_vectors_are_the_same_for_a_seed_and_have_their_size() -> None:
    documents = [([[0, 1, 2, 3]] * 5, 1.0)]
    first, again = (word_vectors(documents, 5, 16, seed=3) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (5, 16)
    assert np.isfinite(first).all()


def test_no_document_gives_zeros() -> None:
    assert not word_vectors([([], 1.0)], 5, 3).any()
