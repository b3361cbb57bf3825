from __future__ import annotations

import sys

import pytest
import torch

from harness.core.errors import IncompleteError, SuiteError
from harness.models import device_policy
from harness.models.device_policy import SCORING_VERSION, answer_policy


def test_a_cpu_computes_in_float32():
    assert answer_policy("cpu") == {"device": "cpu", "dtype": "float32", "scoring": SCORING_VERSION}


def test_auto_agrees_with_torch():
    assert (answer_policy()["device"] == "cuda") == torch.cuda.is_available()


@pytest.mark.parametrize(("capability", "dtype"), [(7, "float32"), (8, "bfloat16"), (9, "bfloat16")])
def test_a_gpu_computes_in_what_it_has(capability, dtype, monkeypatch):
    monkeypatch.setattr(device_policy, "cuda_capability", lambda number=0: capability)
    assert answer_policy() == {"device": "cuda", "dtype": dtype, "scoring": SCORING_VERSION}
    assert answer_policy("cpu")["dtype"] == "float32"


def test_hidden_gpus_are_not_used(monkeypatch):
    monkeypatch.setattr(device_policy, "_torch_has_cuda", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device_policy.cuda_capability() is None


def test_a_gpu_by_its_number(monkeypatch):
    asked = []
    monkeypatch.setattr(device_policy, "cuda_capability", lambda number=0: asked.append(number) or 8)
    assert answer_policy("cuda:1") == answer_policy("cuda") == answer_policy("cuda:auto")
    assert asked == [1, 0, 0]
    places = [device_policy.place_of(name, "cuda") for name in ("cuda:1", "cuda:auto", "cuda", "auto")]
    assert places == ["cuda:1", "cuda:auto", "cuda", "cuda"]
    for wrong in ("cuda:", "cuda:x", "cpu:1", "cuda:1:2"):
        with pytest.raises(SuiteError, match="unknown device"):
            answer_policy(wrong)


def test_unknown_devices_are_refused():
    with pytest.raises(SuiteError, match="Did you mean 'cuda'"):
        answer_policy("cudo")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_incomplete_work(device, zoo, opened):
    there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if there:
        assert opened(zoo("bert"), device=device).facts.device == device
    else:
        with pytest.raises(IncompleteError, match=device):
            opened(zoo("bert"), device=device)


def test_facts_carry_the_policy(zoo, opened):
    facts = opened(zoo("bert")).facts
    assert facts.answer_key["scoring"] == SCORING_VERSION
    assert facts.answer_key["max_length"] == facts.max_length == 32
    assert (facts.dtype, facts.device) == ("float32", "cpu")
    assert "torch" in sys.modules
