"""How many rows a pretraining sees: by tokens, by steps, or by minutes on this machine."""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from harness.model_kinds.pretrain_kind import Budget, PretrainSettings
from harness.models.local.fastpaths.installed import accelerate
from harness.storage import atomic
from harness.training.loop.resume import RESUME_FOLDER
from harness.training.loop.training_loop import LossFunction
from harness.training.objectives.objective import PretrainingPlan
from harness.training.stage_run import StageRun

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FILE = "budget.json"
_TIMED = 6


def row_count(
    budget: Budget,
    chosen: PretrainSettings,
    model: PreTrainedModel,
    planned: Callable[[int], PretrainingPlan],
    loss: LossFunction,
    run: StageRun,
) -> int:
    """Rows of a whole pretraining.

    Minutes are those of the whole stage: what is left of them is divided by the time of a step, timed
    on a copy of the model. The result is kept beside the unfinished training, so that a
    killed one goes on with the same number of steps.

    Args:
        planned: rows → plan.
    """
    if budget.steps is not None:
        return budget.steps * chosen.batch_size
    if budget.minutes is None:
        return max(1, (budget.tokens or 0) // chosen.sequence_length)
    path = run.work / RESUME_FOLDER / _FILE
    content = {"minutes": budget.minutes, "batch_size": chosen.batch_size}
    try:
        kept = json.loads(path.read_text("utf-8"))
        if {name: kept[name] for name in content} == content:
            return int(kept["steps"]) * chosen.batch_size
    except (OSError, ValueError, KeyError, TypeError):
        pass
    seconds = step_seconds(model, planned(_TIMED * chosen.batch_size), loss)
    left = budget.minutes * 60 - (time.monotonic() - run.started)
    steps = max(1, int(left / seconds))
    run.reporter.info(f"{budget.minutes:g} minutes are {steps} steps of {seconds:.3f} s here")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, json.dumps({**content, "steps": steps}))
    return steps * chosen.batch_size


def step_seconds(model: PreTrainedModel, plan: PretrainingPlan, loss: LossFunction) -> float:
    """Median seconds of an optimizer step, the first one left out; `model` stays as it is."""
    copied = copy.deepcopy(model)
    accelerate(copied)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    copied.to(device).train()
    optimizer = torch.optim.AdamW((weight for weight in copied.parameters() if weight.requires_grad), fused=True)
    times: list[float] = []
    for place in range(len(plan)):
        began = time.perf_counter()
        batch = {name: tensor.to(device) for name, tensor in plan[place].items()}
        loss(copied, batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(copied.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:] or times)
