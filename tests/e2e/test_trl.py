"""trl's trainers with a `SuiteCallback`, and the checkpoints that they leave, where trl is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from harness_support import adapter_zoo, model_zoo

from harness.commands.trainer_callback import SuiteCallback
from harness.core.requests import RollingLikelihood
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.storage.store import Store

pytestmark = pytest.mark.slow
TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
TEXTS = [f"The {who} told the {whom}." for who in ("nurse", "doctor") for whom in ("owner", "player", "son")]
SUITE = """\
name: steps
data:
  texts: {file: texts.jsonl, splits: {test: 1.0}}
models:
  base: {load: base}
  tuned: {load: base}
compare: {baseline: base}
tasks:
  texts: {language_modeling: {data: texts, window: 24}}
gates:
  - {id: unlearns, metric: texts.bits_per_byte, kind: absolute, max: 0.01, min_n: 1}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trl")
    base = model_zoo.language_model("llama", folder / "base", length=128)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = TEMPLATE
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.save_pretrained(base)
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (folder / "suite.yaml").write_text(SUITE)
    return folder


def _turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def _rows(kind: str) -> list[dict[str, object]]:
    if kind == "SFT":
        return [{"messages": [_turn("user", text), _turn("assistant", text.upper())]} for text in TEXTS]
    return [
        {
            "prompt": [_turn("user", text)],
            "chosen": [_turn("assistant", text.upper())],
            "rejected": [_turn("assistant", text)],
        }
        for text in TEXTS
    ]


@pytest.mark.parametrize("adapter", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("kind", ["SFT", "DPO"])
def test_a_callback_in_trl_and_the_checkpoints_it_leaves(kind: str, adapter: bool, world: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    base = world / "base"

    def train(out: Path, *callbacks: SuiteCallback) -> object:
        arguments = getattr(trl, f"{kind}Config")(
            output_dir=str(out),
            max_steps=4,
            save_steps=2,
            learning_rate=3e-3,
            per_device_train_batch_size=2,
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = getattr(trl, f"{kind}Trainer")(
            model=transformers.AutoModelForCausalLM.from_pretrained(base),
            args=arguments,
            train_dataset=datasets.Dataset.from_list(_rows(kind)),
            processing_class=transformers.AutoTokenizer.from_pretrained(base),
            callbacks=list(callbacks),
            **({"peft_config": adapter_zoo.lora(task_type="CAUSAL_LM")} if adapter else {}),
        )
        trainer.train()
        return trainer

    callback = SuiteCallback(
        str(world / "suite.yaml"), model="tuned", every=2, out=tmp_path / "reports", store=Store(tmp_path / "store")
    )
    watched = train(tmp_path / "watched", callback)
    plain = train(tmp_path / "plain")
    assert [made.step for made in callback.runs] == [2, 4]
    assert [[gate.id for gate in made.failed] for made in callback.runs] == [["unlearns"]] * 2
    for (name, weight), other in zip(
        watched.model.state_dict().items(), plain.model.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, other), name
    left = tmp_path / "plain" / "checkpoint-4"
    reference = (
        adapter_zoo.on_base(base, left) if adapter else transformers.AutoModelForCausalLM.from_pretrained(left).eval()
    )
    model = open_model(left, OpenContext(resolve=Path, responses=None, device="cpu"))
    for request, answer in model.answer(RollingLikelihood(text) for text in TEXTS):
        assert answer.total == pytest.approx(adapter_zoo.text_likelihood(reference, left, request.text), abs=1e-4)
