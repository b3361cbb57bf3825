"""Every registered model kind keeps the contract of `harness.testing`."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core import registry
from harness.testing import check_model_kind

OPTIONS: dict[str, dict[str, Any]] = {
    "align": {"from": "base", "task": "t"},
    "classical": {"task": "t"},
    "finetune": {"from": "base", "task": "t"},
    "heuristic": {"task": "t", "rule": "majority"},
    "load": {"load": "some/folder"},
    "pretrain": {"data": ["prose"], "budget": {"tokens": "2M"}},
    "project": {"from": "tuned", "data": ["prose"]},
    "prompt": {"from": "base", "task": "t"},
    "self_debias": {"from": "base"},
    "server": {"url": "http://localhost/v1", "model": "m"},
    "stored": {"run": "production"},
}


@pytest.mark.parametrize("name", registry.names("models"))
def test_every_model_kind_keeps_the_contract(name: str) -> None:
    check_model_kind(name, OPTIONS[name])
