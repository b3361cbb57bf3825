"""Projection: the directions in which a model's states tell groups apart, found and taken out.

INLP (Ravfogel et al. 2020): a linear classifier learns the group from the states, its directions are taken out, and
again, until none tells the groups on texts that it has not seen. SentenceDebias (Liang et al. 2020): the principal
directions of states of texts against those of the same texts about another group.
"""

from __future__ import annotations

import time
from pathlib import Path

from harness.core.reporter import Reporter
from harness.model_kinds.projection_kind import ProjectSpec
from harness.models.peak_memory import peak_memory
from harness.training.checkpoint_metadata import write_metadata
from harness.training.mitigation.group_directions import inlp, sentence_debias, told_apart
from harness.training.stage_inputs import StageInputs

_ROUNDS = 40


def project(
    spec: ProjectSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Finds the directions and writes them; the model that they belong to is referenced by its key.

    Returns:
        The checkpoint's metadata and what was measured. Its `recipe` says how well the groups could be told before and
        after, on texts that no classifier was fitted on.

    Raises:
        DataError: when the texts speak of too few people.
        CheckpointError: when the parent has no hidden states of its own, or two stacks.
    """
    from harness.models.checkpoint.inspection import check_states
    from harness.models.derived.frozen_features import pooled_states
    from harness.models.derived.projection_backend import Projection, write_projection

    inputs.require_texts()
    parent = inputs.require_parent()
    check_states(parent, "projected")
    started = time.monotonic()
    told = told_apart(inputs.texts, spec)
    with reporter.task("hidden states of texts and their counterparts", len(told.texts), "texts") as task:
        states = pooled_states(parent, told.texts, resolve=inputs.resolve)
        task.advance(len(told.texts))
    if spec.method == "inlp":
        directions, facts = inlp(states, told, most=spec.directions or _ROUNDS, seed=inputs.seed)
    else:
        directions, facts = sentence_debias(states, told, count=spec.directions or 1, seed=inputs.seed)
    write_projection(work, Projection(directions, spec.method, spec.removed))
    metadata = write_metadata(
        work,
        kind="projected",
        stage=spec.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        cost={
            "tokens": sum(len(text.split()) for text in told.texts),
            "flops": 0.0,
            "steps": 1,
            "parameters": int(directions.size),
            "trainable": int(directions.size),
        },
        recipe={"method": spec.method, "remove": spec.removed, "directions": len(directions), **facts},
    )
    seconds = round(time.monotonic() - started, 3)
    return {**metadata, "validation": None, "measured": {"seconds": seconds, "peak_memory": peak_memory()}}
