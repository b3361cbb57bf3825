"""Choosing the worked examples that stand before every question: nothing is trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.core.examples import PromptTarget
from harness.core.reporter import Reporter
from harness.model_kinds.few_shot_kind import PromptSpec
from harness.models.derived.few_shot_backend import FewShotPrompt, write_shots
from harness.models.peak_memory import peak_memory
from harness.training.checkpoint_metadata import write_metadata
from harness.training.stage_inputs import StageInputs


def make_prompt(
    spec: PromptSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Writes the worked examples, all of the training split.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when the task has no examples with a prompt and an answer.
    """
    started = time.monotonic()
    examples = [example for example in inputs.train if isinstance(example, PromptTarget)]
    if spec.num_fewshot and (not examples or len(examples) < len(inputs.train)):
        raise DataError(
            f"task {spec.task!r} has no examples with a prompt and an answer.",
            hint="choose a task with text answers; a classification task needs a `cloze`.",
        )
    chosen = choose(examples, spec.num_fewshot, inputs.seed)
    chat = bool(examples and examples[0].messages)
    pairs = tuple(
        (example.messages[-1][1] if example.messages else example.prompt, example.target) for example in chosen
    )
    write_shots(work, FewShotPrompt(spec.task, pairs, spec.separator, chat))
    metadata = write_metadata(
        work,
        kind="prompted",
        stage=spec.model_dump(mode="json"),
        inputs=inputs,
        cost={"tokens": 0, "flops": 0.0, "steps": 0, "parameters": 0, "trainable": 0},
        recipe={"shots": len(pairs), "separator": spec.separator},
    )
    seconds = round(time.monotonic() - started, 3)
    return {**metadata, "validation": None, "measured": {"seconds": seconds, "peak_memory": peak_memory()}}


def choose(examples: Sequence[PromptTarget], count: int, seed: int) -> list[PromptTarget]:
    """`count` examples by hash of the seed; where answers recur (labels), each answer in turn."""

    def place(example: PromptTarget) -> float:
        return fraction(f"{seed} {example.prompt} {example.messages} {example.target}")

    ordered = sorted(examples, key=place)
    groups: dict[str, list[PromptTarget]] = {}
    for example in ordered:
        groups.setdefault(example.target, []).append(example)
    if len(groups) > max(1, count):
        return ordered[:count]
    turns: list[PromptTarget] = []
    while len(turns) < min(count, len(ordered)):
        turns += [group.pop(0) for group in groups.values() if group]
    return sorted(turns[:count], key=place)
