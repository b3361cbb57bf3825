from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.gates.parse_rules import parse_gates
from harness.schema.suite.gate_rules import COMPOSITIONS, KINDS, Defaults
from harness.suite.yaml.located_document import parse

PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid(example: str) -> None:
    document = parse(example, "gates.md")
    assert parse_gates(document.value["gates"], document.where).rules


def test_every_kind_and_key_is_described() -> None:
    keys = set(KINDS) | set(COMPOSITIONS) | set(Defaults.model_fields)
    for model in KINDS.values():
        keys |= set(model.model_fields)
    missing = sorted(key for key in keys - {"kind"} if f"`{key}`" not in PAGE)
    assert missing == []
