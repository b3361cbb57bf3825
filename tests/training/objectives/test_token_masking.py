import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.training.objectives.token_masking import MaskVocabulary, mask_tokens

_SPECIAL = (0, 1, 2, 3, 4)


def _masked(ids: np.ndarray, rate: float = 0.2, key: tuple[int, ...] = (0, 0)):
    return mask_tokens(ids, MaskVocabulary(4, 50, _SPECIAL), rate=rate, key=key)


def test_rates_are_those_of_bert() -> None:
    ids = np.random.default_rng(0).integers(5, 50, (400, 100))
    masked = _masked(ids)
    assert masked.where.mean() == pytest.approx(0.2, abs=0.01)
    seen = masked.ids[masked.where]
    assert (seen == 4).mean() == pytest.approx(0.8, abs=0.02)
    assert (seen == masked.targets).mean() == pytest.approx(0.1, abs=0.02)


@given(st.lists(st.lists(st.integers(0, 49), min_size=4, max_size=4), min_size=1, max_size=8), st.integers(0, 99))
def test_special_tokens_and_unmasked_tokens_stay(rows: list[list[int]], key: int) -> None:
    ids = np.asarray(rows)
    masked = _masked(ids, key=(key,))
    assert np.array_equal(masked.ids[~masked.where], ids[~masked.where])
    assert not np.isin(ids[masked.where], _SPECIAL).any()
    assert np.array_equal(masked.targets, ids[masked.where])
    assert masked.where.any() == (~np.isin(ids, _SPECIAL)).any()


def test_a_batchs_masks_hang_on_its_key_alone() -> None:
    ids = np.full((4, 30), 7)
    assert np.array_equal(_masked(ids, key=(3, 1)).where, _masked(ids, key=(3, 1)).where)
    assert not np.array_equal(_masked(ids, key=(3, 1)).where, _masked(ids, key=(3, 2)).where)
