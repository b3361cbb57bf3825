"""Products by oneDNN against torch's own, and what exchanging the layers leaves as it was."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.requests import Likelihood, PseudoLikelihood
from harness.models.local.fastpaths import onednn_linear

available = hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.mkldnn.is_available()
needs_onednn = pytest.mark.skipif(not available, reason="this torch is built without oneDNN")


@pytest.fixture
def chosen(monkeypatch):
    """oneDNN on any processor, and products of any size by it."""
    monkeypatch.setenv(onednn_linear.SWITCH, "1")
    monkeypatch.setattr(onednn_linear, "_LEAST", 0)
    onednn_linear.preferred.cache_clear()
    if not onednn_linear.preferred():
        pytest.skip("oneDNN's product is not to be had here")
    yield
    onednn_linear.preferred.cache_clear()


@needs_onednn
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=2),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_products_and_gradients_are_those_of_torch(before, width, out, biased, turned, sliced):
    generator = torch.Generator().manual_seed(width * 41 + out)

    def made(*shape):
        return (torch.rand(shape, generator=generator) - 0.5).requires_grad_()

    rows = made(*before, width * (2 if sliced else 1))
    weight = made(width, out) if turned else made(out, width)
    bias = made(out) if biased else None
    outcomes = []
    for function in (onednn_linear._Product.apply, torch.nn.functional.linear):
        for tensor in (rows, weight, bias):
            if tensor is not None:
                tensor.grad = None
        given_rows = rows[..., ::2] if sliced else rows
        result = function(given_rows, weight.t() if turned else weight, bias)
        (result * torch.linspace(-1, 1, result.numel()).reshape(result.shape)).sum().backward()
        outcomes.append([result.detach(), *(one.grad for one in (rows, weight, bias) if one is not None)])
    for found, wanted in zip(*outcomes, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@needs_onednn
@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama", "t5"])
def test_a_model_with_exchanged_layers_answers_as_before(kind, chosen, zoo):
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    folder = zoo(kind)
    auto = {"bert": AutoModelForMaskedLM, "t5": AutoModelForSeq2SeqLM}.get(kind, AutoModelForCausalLM)
    plain = auto.from_pretrained(folder).eval()
    quick = copy.deepcopy(plain)
    onednn_linear.enable(quick)
    exchanged = [part for part in quick.modules() if type(part).__module__ == onednn_linear.__name__]
    assert len(exchanged) > 4
    assert not any(type(part).__module__ == onednn_linear.__name__ for part in plain.modules())
    ids = torch.arange(1, 13).reshape(2, 6) % AutoConfig.from_pretrained(folder).vocab_size
    inputs = {"input_ids": ids, **({"decoder_input_ids": ids} if kind == "t5" else {})}
    with torch.inference_mode():
        torch.testing.assert_close(quick(**inputs).logits, plain(**inputs).logits, rtol=1e-4, atol=1e-4)
    assert list(quick.state_dict()) == list(plain.state_dict())
    again = copy.deepcopy(quick)
    with torch.no_grad():
        next(iter(again.parameters())).add_(1.0)
    with torch.inference_mode():
        torch.testing.assert_close(quick(**inputs).logits, plain(**inputs).logits, rtol=1e-4, atol=1e-4)


@needs_onednn
def test_adapters_learn_alike_on_exchanged_layers(chosen, zoo):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    found = []
    for exchanged in (False, True):
        torch.manual_seed(0)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(zoo("gpt2")), LoraConfig(target_modules=["c_attn"], r=2)
        )
        if exchanged:
            onednn_linear.enable(model)
        optimizer = torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], lr=0.5)
        ids = torch.arange(1, 9)[None]
        for _ in range(3):
            optimizer.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
        found.append({name: weight for name, weight in model.named_parameters() if weight.requires_grad})
    assert any(name.endswith("lora_B.default.weight") and weight.abs().sum() > 0 for name, weight in found[1].items())
    for name, weight in found[0].items():
        torch.testing.assert_close(found[1][name], weight, rtol=1e-4, atol=1e-5)


@needs_onednn
def test_scores_do_not_depend_on_the_products(chosen, zoo, opened, monkeypatch):
    asked = [PseudoLikelihood("The nurse said that she was late.", "pll")]
    (quick,) = dict(opened(zoo("bert")).answer(asked)).values()
    monkeypatch.setenv(onednn_linear.SWITCH, "0")
    onednn_linear.preferred.cache_clear()
    assert not onednn_linear.preferred()
    (plain,) = dict(opened(zoo("bert")).answer(asked)).values()
    assert isinstance(quick, Likelihood)
    assert quick.total == pytest.approx(plain.total, abs=1e-4)


def test_small_products_half_precision_and_single_rows_stay_with_torch():
    layer = onednn_linear.Linear(6, 4)
    for rows in (torch.rand(3, 6), torch.rand(6)):
        torch.testing.assert_close(layer(rows), torch.nn.functional.linear(rows, layer.weight, layer.bias))
    half = onednn_linear.Linear(6, 4).to(torch.bfloat16)
    assert half(torch.rand(2, 6, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert layer(torch.rand(0, 6)).shape == (0, 4)


@needs_onednn
def test_torch_counts_the_operations_of_these_products(chosen):
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.Linear(6, 4)
    counts = []
    for exchanged in (False, True):
        if exchanged:
            onednn_linear.enable(layer)
        with FlopCounterMode(display=False) as counter:
            layer(torch.rand(5, 6, requires_grad=True)).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts == [3 * 2 * 5 * 6 * 4] * 2
