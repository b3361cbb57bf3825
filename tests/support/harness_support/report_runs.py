"""Makes a run directory as `harness run` would, from simulated answers: 2,400 items, six models.

Texts are invented here from a few words; numbers are simulated with a fixed seed, and intervals
are normal approximations, good enough to be drawn.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from harness.schema.results.inputs import DataResult, ModelResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.schema.run_info import RunInfo, StepTiming
from harness.storage.run_dir import RunDir
from harness_support.report_draft import HOSTILE, Draft, Options, item_id
from harness_support.report_evaluations import SKILL, gaps, general, names, pairs, reviews, written

__all__ = ["HOSTILE", "Options", "build_run"]


def build_run(path: Path, options: Options | None = None) -> RunDir:
    """Writes run.json, results.json, records, items and training logs below `path`."""
    draft = Draft(path, options or Options())
    for evaluate in (reviews, general, pairs, names, gaps, written):
        evaluate(draft)
    _finish(draft)
    return draft.run


def _finish(draft: Draft) -> None:
    order = list(SKILL)
    label = {
        "base": "masked language model pretrained from scratch",
        "finetuned": "full fine-tuning from base",
        "lora": "LoRA fine-tuning (rank 8) from base",
        "linear": "linear classifier on frozen base features",
        "scratch": "same recipe from random weights",
        "tfidf": "TF-IDF and logistic regression",
    }
    models = [
        ModelResult(
            name=name,
            role="baseline" if name == "base" else "release" if name == "finetuned" else "candidate",
            made_by={"base": "pretrain", "tfidf": "classical"}.get(name, "finetune"),
            label=label[name],
            parent=None if name in ("base", "tfidf", "scratch") else "base",
            digest=item_id(name) * 2,
            facts={"family": "masked", "max_length": 128, "dtype": "float32"},
            training={
                "goal": "predict masked words" if name == "base" else "classify reviews",
                "objective": "mlm" if name == "base" else "cross-entropy",
                "data": ["prose"] if name == "base" else ["reviews"],
                "tokens": 2_000_000 if name == "base" else 410_000,
                "items": 12_000,
                "steps": draft.options.steps,
                "flops": 3.1e13 if name == "base" else 6.2e12,
                "parameters": {"total": 4_390_000, "trainable": 41_000 if name == "lora" else 4_390_000},
                "bytes": 17_600_000 if name != "lora" else 170_000,
                "seed": 0,
                "final_loss": 0.61,
            },
        )
        for name in order
    ]
    comparison = {(c.id, c.candidate): c for c in draft.comparisons if c.slice is None}
    better, memory = (
        comparison["reviews.accuracy", "finetuned"],
        comparison["general.pseudo_bits_per_byte", "finetuned"],
    )
    drift = comparison["pairs.stereotype_score[pll_word_l2r]", "finetuned"]
    gate: dict[str, Any] = {"model": "finetuned", "baseline": "base", "alpha": 0.05}
    gates = [
        GateResult(
            **gate,
            id="better",
            kind="superiority",
            metric=better.id,
            severity="error",
            verdict="pass",
            blocking=True,
            sentence="finetuned beats base on reviews.accuracy.",
            observed=better.delta.value,
            bound=better.delta.low,
            margin="> 0",
            n=better.n,
            mde=better.mde,
            where="sentiment.yaml:31",
        ),
        GateResult(
            **gate,
            id="memory",
            kind="non_inferiority",
            metric=memory.id,
            severity="error",
            verdict="pass",
            blocking=True,
            sentence="finetuned forgets less than the margin of ×1.05.",
            observed=memory.ratio.value,
            bound=1.045,
            margin="ratio ≤ 1.05",
            n=memory.n,
            mde=memory.mde,
            where="sentiment.yaml:32",
        ),
        GateResult(
            **gate,
            id="drift",
            kind="equivalence",
            metric=drift.id,
            severity="error",
            verdict="inconclusive",
            blocking=True,
            sentence="The drift of the stereotype score may or may not stay within ±3 points.",
            observed=drift.delta.value,
            bound=drift.delta.high,
            margin="± 0.03",
            n=drift.n,
            mde=drift.mde,
            required_n=1400,
            where="sentiment.yaml:33",
        ),
        GateResult(
            **gate,
            id="names",
            kind="absolute",
            metric="names.flip_rate",
            severity="warn",
            verdict="fail",
            blocking=False,
            sentence="The flip rate is above its limit of 2%.",
            observed=0.051,
            bound=0.03,
            margin="≤ 0.02",
            n=240,
            waiver="waived until 2027-01-31 by someone: known, tracked",
            where="sentiment.yaml:34",
        ),
        GateResult(
            **gate,
            id="odd",
            kind="absolute",
            metric="reviews.unknown",
            severity="warn",
            verdict="error",
            blocking=False,
            sentence="There is no figure to judge.",
            where=None,
        ),
    ]
    if draft.options.hostile:
        gates[0].sentence = HOSTILE[0] + HOSTILE[8] + HOSTILE[4]
        gates[1].sentence = HOSTILE[11]
        models[2].label = HOSTILE[1]
    results = Results(
        suite="sentiment",
        suite_digest="ab" * 32,
        seed=0,
        baseline="base",
        candidates=order[1:],
        release=["finetuned"],
        title=draft.word(0, "Sentiment: what does a small masked model gain and forget?"),
        models=models,
        data=[
            DataResult(
                name="reviews",
                fingerprint="cd" * 16,
                rows={"train": 9000, "validation": 600, "test": draft.options.items},
                clusters={"test": draft.options.items // 3},
                license=draft.word(1, "MIT"),
                citation=draft.word(2, "Hutto 2014"),
                source="catalog: vader-reviews",
                digests={"file.txt": "ef" * 32},
                notes=["2 items overlap with training"],
            ),
            DataResult(name="prose", fingerprint="12" * 16, rows={"train": 12000, "test": 300}, license="CC-BY-SA-3.0"),
        ],
        evaluations=draft.evaluations,
        metrics=draft.metrics,
        comparisons=draft.comparisons,
        flips=draft.flips,
        tables=draft.tables,
        gates=gates,
        notes=[draft.word(3, "Numbers hold for this checkpoint, not for the recipe.")],
        verdict=VerdictResult(
            overall="inconclusive",
            exit_code=11,
            counts={"pass": 2, "inconclusive": 1, "fail": 1, "error": 1},
            sentence=draft.word(0, "No blocking gate failed, one cannot be decided with this many items."),
        ),
    )
    draft.run.write(
        results,
        RunInfo(
            run_id="2026-01-01-abcdef",
            suite="sentiment",
            suite_path="suites/sentiment.yaml",
            state="finished",
            suite_text=draft.word(0, "name: sentiment\nseed: 0\n"),
            command=["harness", "run", "suites/sentiment.yaml"],
            started="2026-01-01T00:00:00Z",
            finished="2026-01-01T00:11:00Z",
            versions={"harness": "0.1.0", "torch": "2.11"},
            hardware={"cpu": "8 cores", "device": "cpu", "memory": 16_000_000_000},
            git={"commit": "0" * 40, "dirty": False},
            steps=[
                StepTiming(name="train base", kind="train", seconds=300.0, cached=False),
                StepTiming(name="ask reviews/base", kind="ask", seconds=12.0, cached=True),
            ],
            training={
                name: {"seconds": 95.0, "tokens_per_second": 5200.0, "peak_memory": 900_000_000} for name in order
            },
            requests={
                "reviews": {
                    "base": {"seconds_per_1000": 41.5, "energy_wh_per_1000": 0.231},
                    "finetuned": {
                        "seconds_per_1000": 2.5,
                        "flops_per_1000": 3.2e12,
                        "tokens_per_1000": 84_000,
                        "peak_memory": 512 * 2**20,
                        "energy_wh_per_1000": 0.014,
                        "break_even": 2436,
                    },
                }
            },
            peak_memory=1_200_000_000,
            warnings=[draft.word(4, "one text was cut to 128 tokens")],
        ),
    )
    for name in order[:5]:
        start = 8.0 if name == "base" else 1.1
        lines = [
            {
                "step": s,
                "tokens": s * 2000,
                "loss": start * math.exp(-s / 60) + 0.4 + 0.05 * draft.random.normal(),
                "learning_rate": 1e-3 * (1 - s / 201),
                "seconds": s * 0.4,
                "tokens_per_second": 5000 + 100 * draft.random.normal(),
            }
            for s in range(1, draft.options.steps + 1)
        ]
        draft.run.training_path(name).parent.mkdir(parents=True, exist_ok=True)
        draft.run.training_path(name).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
