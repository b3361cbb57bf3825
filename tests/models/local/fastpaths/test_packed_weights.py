"""Weights in oneDNN's own layout: the same products, within a limit of memory, gone when they are no longer of use."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.models.local.fastpaths import onednn_linear, packed_weights
from harness.models.local.fastpaths.packed_weights import PackedWeights
from harness.storage import memory_room

needs_layout = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_reorder_linear_weight") or not torch.backends.mkldnn.is_available(),
    reason="this torch is built without oneDNN",
)


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    monkeypatch.setattr(onednn_linear, "_LEAST_PACKED", 0)


@needs_layout
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 80), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.booleans(), st.booleans())
def test_products_are_those_of_torch(rows, texts, width, out, biased, turned):
    generator = torch.Generator().manual_seed(rows * 41 + out)
    values = torch.rand((texts, rows, width), generator=generator) - 0.5
    weight = torch.rand((width, out) if turned else (out, width), generator=generator) - 0.5
    weight = weight.t() if turned else weight
    bias = torch.rand(out, generator=generator) if biased else None
    packed = PackedWeights()
    with torch.inference_mode(), packed.active():
        first = onednn_linear.product(values, weight, bias)
        second = onednn_linear.product(values, weight, bias)
        few = texts * rows <= packed_weights.MOST_ROWS
        assert (packed.of(weight) is not None) or not few
    torch.testing.assert_close(first, torch.nn.functional.linear(values, weight, bias), rtol=1e-5, atol=1e-5)
    assert torch.equal(first, second)


@needs_layout
def test_a_weight_that_changes_is_packed_anew():
    weight, values = torch.ones(4, 3), torch.ones(2, 3)
    packed = PackedWeights()
    with torch.no_grad(), packed.active():
        assert onednn_linear.product(values, weight, None).sum() == 24
        weight.mul_(2)
        assert onednn_linear.product(values, weight, None).sum() == 48


@needs_layout
def test_copies_take_no_more_than_a_quarter_of_the_free_memory(monkeypatch):
    monkeypatch.setattr(memory_room, "available", lambda: 4 * 4 * 100)
    packed = PackedWeights()
    with packed.active():
        assert packed.of(torch.ones(9, 10)) is not None
        assert packed.of(torch.ones(2, 10)) is None
    monkeypatch.setattr(memory_room, "available", lambda: None)
    with packed.active():
        assert packed.of(torch.ones(1, 1)) is None, "unknown is not free"


@needs_layout
def test_copies_of_a_large_model_go_when_the_batch_is_written(monkeypatch):
    monkeypatch.setattr(packed_weights, "_KEPT_BYTES", 1000)
    packed, small, large = PackedWeights(), torch.ones(4, 4), torch.ones(40, 40)
    with packed.active():
        copy = packed.of(small)
    with packed.active():
        assert packed.of(small) is copy
        packed.of(large)
    with packed.active():
        assert packed.of(small) is not copy
    assert packed_weights.active() is None


@pytest.mark.parametrize("fault", [AttributeError("no such operator"), None])
def test_a_layout_that_is_missing_or_wrong_is_not_used(fault, monkeypatch):
    def other(weight):
        if fault is not None:
            raise fault
        return weight + 1

    packed_weights._right.cache_clear()
    monkeypatch.setattr(packed_weights, "_packed", other)
    packed = PackedWeights()
    with packed.active():
        assert packed.of(torch.ones(8, 8)) is None
    packed_weights._right.cache_clear()
