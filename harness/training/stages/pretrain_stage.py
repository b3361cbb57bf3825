"""Pretraining by any objective, from random weights or going on from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import CheckpointError, SuiteError, Where
from harness.core.reporter import Reporter
from harness.model_kinds.architecture_presets import architecture, check_objective
from harness.model_kinds.flop_shapes import shape_of
from harness.model_kinds.pretrain_kind import PretrainSpec, pretraining_settings
from harness.models.encoding.row_encoder import has_types, longest_row, name_inputs
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.load_weights import load_tokenizer
from harness.training import training_cost
from harness.training.checkpoint_metadata import save_tokenizer, write_metadata
from harness.training.load_parent import load_for
from harness.training.loop.dropout import set_dropout
from harness.training.loop.reproducible import reproducible
from harness.training.loop.training_loop import Settings, Training, train
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.objectives.corpus import Corpus
from harness.training.objectives.objective import Objective, Pretraining, PretrainingPlan, objective
from harness.training.stage_inputs import StageInputs
from harness.training.stage_run import StageRun
from harness.training.stages.pretraining_budget import row_count

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Texts = dict[str, list[str]]
_RELATIVE = 512
"""Longest text that is stated of a model whose positions are relative, as T5's are."""


def pretrain(
    spec: PretrainSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Trains a language model and writes the checkpoint into `work`, its tokenizer with it.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when there is no text to train on.
        CheckpointError: when the model to go on from, or the given tokenizer, cannot be used.
        SuiteError: when objective and model do not fit each other.
        IncompleteError: when training diverges.
    """
    inputs.require_texts()
    run = StageRun(work, reporter, save_every)
    inputs, measures = mitigated(spec.mitigate, inputs)
    texts = {name: [text for text in inputs.texts[name] if text.strip()] for name in sorted(inputs.texts)}
    goal = objective(spec.objective)
    with reproducible(inputs.seed):
        if spec.from_ is None:
            model, pretraining = _fresh(goal, spec, inputs, texts, reporter)
        else:
            model, pretraining = _continued(goal, spec, inputs, texts)
        chosen = pretraining.chosen
        set_dropout(model, chosen.dropout)

        def planned(rows: int) -> PretrainingPlan:
            return goal.plan(pretraining, model, rows=rows)

        plan = planned(row_count(spec.budget, chosen, model, planned, goal.loss, run))
        flops = training_cost.plan_flops(model, plan)
        stage = spec.model_dump(mode="json", by_alias=True)
        title = "pretraining" if spec.from_ is None else "continued pretraining"
        identity = {"stage": stage, "data": dict(inputs.data), "parent": inputs.parent_digest}
        settings = Settings(chosen.learning_rate, inputs.seed, embedding_rate=spec.embedding_lr_multiplier)
        progress = train(Training(model, plan, goal.loss, title, identity, flops), settings, run)
        held = goal.facts(model, plan)
        model.save_pretrained(str(work))
    save_tokenizer(pretraining.tokenizer, work, model)
    spent = {"tokens": progress.tokens, "flops": flops, "steps": len(plan), **training_cost.parameter_counts(model)}
    recipe = {**stage, **asdict(chosen), "architecture": _described(model), **measures}
    metadata = write_metadata(
        work, kind="transformers", stage=stage, inputs=inputs, cost=spent, recipe=recipe, held_out=held
    )
    return {**metadata, "measured": progress.measured()}


def _fresh(
    goal: Objective, spec: PretrainSpec, inputs: StageInputs, texts: Texts, reporter: Reporter
) -> tuple[PreTrainedModel, Pretraining]:
    sizes = architecture(spec.architecture, spec.objective)
    shape = shape_of(sizes)
    chosen = pretraining_settings(spec, shape.hidden if shape else None)
    longest = max(int(sizes.get("max_position_embeddings", _RELATIVE)), chosen.sequence_length)
    if "max_position_embeddings" in sizes:
        sizes["max_position_embeddings"] = longest
    if inputs.tokenizer is not None:
        tokenizer = load_tokenizer(inputs.tokenizer)
        lacking = goal.check_tokenizer(tokenizer)
        if lacking is not None:
            raise SuiteError(
                f"the tokenizer lacks {lacking}, which the objective {spec.objective!r} needs.",
                where=Where(inputs.tokenizer),
                hint="use a different one, or remove `tokenizer` to train one.",
            )
    else:
        reporter.info("training the tokenizer")
        weighted = ((text, max(1, round(spec.weights.get(name, 1.0)))) for name in texts for text in texts[name])
        tokenizer = goal.train_tokenizer(weighted, spec, longest)
    pretraining = Pretraining(tokenizer, _corpus(tokenizer, texts), spec, chosen, inputs.seed)
    model = goal.fresh(pretraining, sizes, reporter)
    if has_types(model):
        name_inputs(tokenizer, types=True)
    return model, pretraining


def _continued(
    goal: Objective, spec: PretrainSpec, inputs: StageInputs, texts: Texts
) -> tuple[PreTrainedModel, Pretraining]:
    parent = inputs.require_parent()
    tokenizer = load_tokenizer(parent)
    model, missing = load_for(
        goal.auto_class, parent, seed=inputs.seed, check=lambda kind: check_objective(kind, spec.objective)
    )
    lacking = goal.check_tokenizer(tokenizer)
    if lacking is not None:
        raise CheckpointError(f"its tokenizer lacks {lacking}.", where=Where(parent))
    shape = shape_of(model.config.to_dict())
    chosen = pretraining_settings(spec, shape.hidden if shape else None)
    limit = longest_row(model, None)
    if limit is not None and chosen.sequence_length > limit:
        raise SuiteError(
            f"a sequence_length of {chosen.sequence_length} does not fit the model's {limit} positions.",
            hint=f"set `sequence_length` to {limit} or less.",
        )
    corpus = _corpus(tokenizer, texts)
    goal.settle(model, missing, corpus)
    return model, Pretraining(tokenizer, corpus, spec, chosen, inputs.seed)


def _corpus(tokenizer: PreTrainedTokenizerFast, texts: Texts) -> Corpus:
    encoder = TextEncoder(tokenizer)
    return Corpus({name: encoder.plain(texts[name]) for name in texts}, len(tokenizer))


def _described(model: PreTrainedModel) -> dict[str, object]:
    """The configuration, without what says where and when it was made."""
    content: dict[str, object] = model.config.to_diff_dict()
    return {name: value for name, value in content.items() if name not in {"_name_or_path", "transformers_version"}}
