"""Adapters on bases of other shapes than Llama's: each answers as plain peft, or not at all."""

from __future__ import annotations

import pytest
from harness_support import adapter_zoo as zoo
from harness_support import model_zoo
from harness_support.adapter_shapes import SHAPES, answered
from harness_support.plain_reference import close

from harness.core.requests import Failure

QUICK = [("BERT", "lily"), ("T5", "prompt tuning"), ("GPT-2", "lora"), ("Qwen2, tied", "head")]
ALL = [
    (shape, kind) for shape in SHAPES for kind in zoo.EVERY if kind not in zoo.REFUSED and (shape, kind) not in QUICK
]
SLOW = [pytest.param(*pair, marks=pytest.mark.slow) for pair in ALL if pair not in QUICK]


@pytest.mark.parametrize(("shape", "kind"), [*QUICK, *SLOW])
def test_an_adapter_answers_as_peft(shape, kind, tmp_path, opened):
    shape = SHAPES[shape]
    base = shape.base(tmp_path / "base")
    try:
        adapter = shape.adapter(tmp_path / "adapter", base, zoo.EVERY[kind])
        plain = shape.plain(base, adapter)
        expected = {text: shape.likelihood(plain, base, text) for text in model_zoo.TEXTS[:2]}
    except Exception as error:
        pytest.skip(f"peft makes no such adapter: {error}")
    model = opened(adapter, resolve=lambda key: base)
    answers = dict(model.answer(shape.request(text) for text in expected))
    if any(isinstance(answer, Failure) for answer in answers.values()):
        assert any("reads what stands behind" in note for note in model.facts.notes)
        return
    assert all(close(answered(answers[shape.request(text)]), value) for text, value in expected.items())
