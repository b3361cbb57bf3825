"""The suite that `harness audit` writes is one that harness reads."""

from __future__ import annotations

import pytest

from harness.commands import auto_suite


@pytest.mark.parametrize("family", ["masked", "causal"])
@pytest.mark.parametrize("bias", ["own", "full"])
def test_the_audit_is_a_valid_suite(family: str, bias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_suite, "_language_model", lambda name: family)
    suite = auto_suite.audit_suite("base", "tuned", bias=bias)
    assert suite.probes["pronouns"].kind == "occupation_pronouns"
