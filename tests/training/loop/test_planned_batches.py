from hypothesis import given
from hypothesis import strategies as st

from harness.training.loop.planned_batches import batches_by_length

_LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=60)


@given(_LENGTHS, st.integers(1, 8), st.integers(0, 5))
def test_every_example_is_in_one_batch(lengths: list[int], size: int, epoch: int) -> None:
    batches = batches_by_length(lengths, size, key=(0, epoch))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= size for batch in batches)


@given(_LENGTHS, st.integers(1, 8))
def test_every_epoch_has_as_many_batches(lengths: list[int], size: int) -> None:
    assert len({len(batches_by_length(lengths, size, key=(0, epoch))) for epoch in range(4)}) == 1


def test_batches_are_of_one_length_where_possible() -> None:
    lengths = [3] * 40 + [5] * 40 + [9]
    mixed = [
        batch for batch in batches_by_length(lengths, 10, key=(0, 0)) if len({lengths[place] for place in batch}) > 1
    ]
    assert not mixed


def test_epochs_differ_and_a_key_repeats() -> None:
    first, again, other = (batches_by_length([4] * 50, 5, key=(0, epoch)) for epoch in (0, 0, 1))
    assert first == again != other
