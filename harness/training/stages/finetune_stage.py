"""Fine-tuning: examples of a task, learned by some or all weights of a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness.core.errors import SuiteError
from harness.core.reporter import Reporter
from harness.model_kinds.align_kind import AlignSpec
from harness.model_kinds.finetune_kind import FinetuneSpec, narrowed_settings, settings_for
from harness.model_kinds.flop_shapes import shape_of
from harness.model_kinds.weight_tuning import FinetuneSettings, QloraMethod, lora_of
from harness.models.local.load_weights import family_of
from harness.training import training_cost
from harness.training.checkpoint_metadata import save_tokenizer, write_metadata
from harness.training.learners.learner import TrainingJob, learner
from harness.training.load_parent import ParentCheckpoint
from harness.training.loop.dropout import set_dropout
from harness.training.loop.reproducible import reproducible
from harness.training.loop.training_loop import Settings, Training, train
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.stage_inputs import StageInputs
from harness.training.stage_run import StageRun
from harness.training.stages.tuned_weights import apply_method, check_method, described, save


def finetune(
    spec: FinetuneSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Fine-tunes a checkpoint, or its shape from random weights, and writes the result into `work`.

    What is learned follows from the type of the examples and the kind of the parent; see
    `learners`. An adapter is written as an adapter: its base is referenced by its key, not copied.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when examples are missing or unfit.
        CheckpointError: when the parent cannot be loaded.
        SuiteError: when task, model and method do not fit each other.
        IncompleteError: when training diverges.
    """
    kind = inputs.require_examples()
    parent = inputs.require_parent()
    check_method(spec.method, spec.weights)
    chosen = settings_for(spec, len(inputs.train), kind)
    if chosen.mlm_loss_weight and spec.method != "full":
        raise SuiteError(
            "`mlm_loss_weight` applies only to full fine-tuning; LoRA does not change the base.", hint="remove it."
        )
    inputs, measures = mitigated(spec.mitigate, inputs)
    with reproducible(inputs.seed):
        start = ParentCheckpoint(parent, family_of(parent), spec.weights, isinstance(spec.method, QloraMethod))
        make = learner(kind, start.family)
        chosen = narrowed_settings(chosen, spec, _width(parent))
        job = make(start, inputs, chosen)
        if chosen.dropout is not None:
            set_dropout(job.model, chosen.dropout)
        job.facts = {**job.facts, **measures}
        title = {"full": "fine-tuning", "frozen": "training the head"}.get(str(spec.method), "LoRA fine-tuning")
        title = title if spec.weights == "pretrained" else "training from random weights"
        return carry_out(job, spec, inputs, StageRun(work, reporter, save_every), chosen=chosen, title=title)


def carry_out(
    job: TrainingJob,
    spec: FinetuneSpec | AlignSpec,
    inputs: StageInputs,
    run: StageRun,
    *,
    chosen: FinetuneSettings,
    title: str,
) -> dict[str, object]:
    """Trains a job by the spec's method, keeps its best epoch, and writes the checkpoint."""
    stage = spec.model_dump(mode="json", by_alias=True)
    model = apply_method(job, spec.method)
    counts = training_cost.parameter_counts(model)
    flops = training_cost.plan_flops(job.model, job.plan, trained=counts["trainable"] / counts["parameters"])
    settings = Settings(
        learning_rate=chosen.learning_rate,
        seed=inputs.seed,
        rates=job.rates,
        embedding_rate=chosen.embedding_lr_multiplier,
        warmup=0.1,
    )
    identity = {"stage": stage, "parent": inputs.parent_digest, "chosen": asdict(chosen)}
    score = job.score if chosen.chooses_epoch else None
    training = Training(model, job.plan, job.loss, title, identity, flops, score, chosen.epochs)
    progress = train(training, settings, run)
    kind = save(model, job, spec.method, run.work, parent=inputs.require_parent(), parent_key=inputs.parent_key)
    save_tokenizer(job.tokenizer, run.work, job.model)
    metadata = write_metadata(
        run.work,
        kind=kind,
        stage=stage,
        inputs=inputs,
        cost={"tokens": progress.tokens, "flops": flops, "steps": len(job.plan), **counts},
        recipe={**asdict(chosen), **(described(spec.method) if lora_of(spec.method) else {}), **job.facts},
    )
    return {**metadata, "validation": progress.best, "measured": progress.measured()}


def _width(parent: Path) -> int | None:
    from transformers import AutoConfig

    shape = shape_of(AutoConfig.from_pretrained(str(parent), trust_remote_code=False).to_dict())
    return shape.hidden if shape is not None else None
