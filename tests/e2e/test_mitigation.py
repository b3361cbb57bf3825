"""In a planted world of p = 0.9, augmentation and reweighing each take back what fine-tuning learned about a group."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support.tiny_world import Shell

SUITE = """\
name: planted
data:
  corpus:  {source: planted_world, options: {part: corpus, p: 0.9, seed: 3, size: 1200}}
  reviews: {source: planted_world, options: {part: labels, p: 0.9, seed: 3}}
models:
  base:
    pretrain:
      data: [corpus, reviews]
      architecture: &shape
        {model_type: bert, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64}
      tokenizer: {vocabulary: 400}
      sequence_length: 32
      budget: {steps: 60}
  finetuned: {finetune: {from: base, task: reviews, epochs: 6, learning_rate: 2e-3, embedding_lr_multiplier: 1}}
  augmented:
    finetune:
      from: base
      task: reviews
      epochs: 6
      learning_rate: 2e-3
      embedding_lr_multiplier: 1
      mitigate: {augment: gender}
  reweighed:
    finetune:
      from: base
      task: reviews
      epochs: 6
      learning_rate: 2e-3
      embedding_lr_multiplier: 1
      mitigate: {reweigh: {column: group}}
compare: {baseline: base, release: [finetuned], pairs: [[finetuned, augmented], [finetuned, reweighed]]}
tasks:
  reviews:
    classification:
      data: reviews
      labels: [negative, positive]
      cloze: {template: "{text} it was {mask} .", words: {negative: [terrible], positive: [great]}}
      metrics: [accuracy]
probes:
  swaps: {counterfactual: {on: reviews, swap: [gender], metrics: [score_shift, score_shift_abs]}}
gates:
  - {id: augmentation-helps, metric: swaps.score_shift_abs, kind: superiority, model: augmented,
     baseline: finetuned, min_n: 50}
  - {id: reweighing-helps, metric: swaps.score_shift_abs, kind: superiority, model: reweighed,
     baseline: finetuned, min_n: 50}
"""


@pytest.mark.slow
def test_both_take_the_drift_back(tmp_path: Path) -> None:
    (tmp_path / "planted.yaml").write_text(SUITE, encoding="utf-8")
    run = Shell(tmp_path, tmp_path / "cache").run("planted.yaml")
    assert run["exit_code"] == 0
    results = run["results"]
    shift = {
        row["model"]: row["interval"]["value"]
        for row in results["metrics"]
        if row["id"] == "swaps.score_shift" and row["slice"] is None
    }
    compared = {
        (row["baseline"], row["candidate"], row["id"]): row for row in results["comparisons"] if row["slice"] is None
    }
    # Fine-tuning drifts: the base knows nothing of the group, the classifier scores one gender lower.
    drift = compared["base", "finetuned", "swaps.score_shift_abs"]
    assert drift["delta"]["low"] > 0.2
    for model in ("augmented", "reweighed"):
        assert abs(shift[model]) < abs(shift["finetuned"])
        change = compared["finetuned", model, "swaps.score_shift_abs"]
        assert change["delta"]["high"] < 0, "less drift, by an interval that excludes zero"
        signed = compared["finetuned", model, "swaps.score_shift"]
        assert signed["delta"]["low"] * signed["delta"]["high"] > 0
        assert (signed["delta"]["value"] < 0) == (shift["finetuned"] > 0), "toward no shift"
        # What it is for is kept: right labels are no rarer than without the mitigation, within 10 points.
        assert compared["finetuned", model, "reviews.accuracy"]["delta"]["value"] > -0.1
