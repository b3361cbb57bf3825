"""A projected or self-debiased model leaves its run: exported, moved, audited from another cache; damage is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import Shell

from harness.core.errors import CheckpointError
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

MODELS = ("base", "projected", "damped")

WORDS = "she he woman man kind cruel nurse guard sings reads the a and river garden with"
SUITE = """\
name: made
seed: 1
data:
  tales: {file: tales.txt}
models:
  base:
    pretrain:
      data: [tales]
      architecture:
        {model_type: gpt2, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 64}
      objective: causal
      tokenizer: {vocabulary: 300}
      sequence_length: 32
      budget: {steps: 2}
  projected: {project: {from: base, data: [tales], method: sentence_debias}}
  damped:    {self_debias: {from: base, prefixes: ["the man is cruel. "]}}
compare: {baseline: base}
tasks:
  tales: {language_modeling: {data: tales, split: train, metrics: [bits_per_byte], limit: 4}}
"""
AUDIT = """\
name: audited
seed: 1
data:
  pairs: {file: pairs.csv, splits: {test: 1.0}}
models:
  base:      {load: nowhere}
  projected: {load: nowhere}
  damped:    {load: nowhere}
compare: {baseline: base}
probes:
  pairs: {minimal_pairs: {data: pairs, metrics: [pair_margin]}}
"""


@pytest.mark.slow
def test_exported_folders_answer_alike_anywhere(tmp_path: Path) -> None:
    made = _shell(tmp_path / "made")
    people = [("she", "woman"), ("he", "man")]
    tales = [
        f"{who} is a {noun} and {who} {does} with the {other} ."
        for who, noun in people
        for does in ("sings", "reads")
        for other in WORDS.split()
    ]
    (made.folder / "tales.txt").write_text("\n".join(tales) + "\n", "utf-8")
    (made.folder / "made.yaml").write_text(SUITE, "utf-8")
    ran = made.run("made.yaml")
    facts = _notes(ran["results"])
    assert "gender is projected out of the last hidden states" in facts["projected"][0]
    assert "self-debiased" in facts["damped"][0]

    there = _shell(tmp_path / "there")
    for name in MODELS:
        exported = made("export", ran["folder"], name, there.folder / name)
        assert exported.returncode == 0, exported.stderr
    shutil.rmtree(made.folder)
    (there.folder / "pairs.csv").write_text("more,less\nshe sings,he sings\nhe reads a river,she reads a river\n")
    (there.folder / "audited.yaml").write_text(AUDIT, "utf-8")
    results = there.run("audited.yaml", *(f"--model={name}={there.folder / name}" for name in MODELS))["results"]
    margins = {row["model"]: row["interval"]["value"] for row in results["metrics"] if row["slice"] is None}
    assert len({round(value, 9) for value in margins.values()}) == len(MODELS)
    assert _notes(results) == facts
    _refuses_damage(there.folder)

    shutil.rmtree(there.folder / "damped" / "base")
    said = there("run", "audited.yaml", *(f"--model={name}={there.folder / name}" for name in MODELS))
    assert said.returncode not in (0, 11)
    assert "harness export" in said.stderr


def _refuses_damage(folder: Path) -> None:
    """Every file that such a folder needs is missed, and another base is not taken for its own."""
    for name, file in (("projected", "projection.safetensors"), ("damped", "self_debias.json")):
        place = folder / name / file
        kept = place.read_bytes()
        for broken in (None, b"{", kept[:-3]):
            if broken is None:
                place.unlink()
            else:
                place.write_bytes(broken)
            with pytest.raises(CheckpointError) as caught:
                open_model(folder / name, OpenContext(resolve=Path, responses=None))
            assert file in str(caught.value)
            place.write_bytes(kept)
    page = folder / "projected" / "base" / "config.json"
    whole = page.read_text("utf-8")
    page.write_text(whole.replace('"n_positions": 64', '"n_positions": 65'), "utf-8")
    with pytest.raises(CheckpointError, match="another base"):
        open_model(folder / "projected", OpenContext(resolve=Path, responses=None))
    page.write_text(whole, "utf-8")


def _shell(folder: Path) -> Shell:
    folder.mkdir()
    return Shell(folder, folder / "cache")


def _notes(results: dict[str, Any]) -> dict[str, list[str]]:
    return {model["name"]: model["facts"]["notes"] for model in results["models"]}
