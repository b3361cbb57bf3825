"""Pretraining by any objective, from random weights or going on from a checkpoint."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import CheckpointError, SuiteError, Where
from harness.core.reporter import Reporter
from harness.model_kinds.architecture_presets import architecture, check_objective
from harness.model_kinds.flop_shapes import shape_of
from harness.model_kinds.pretrain_kind import PretrainSettings, PretrainSpec, pretraining_settings
from harness.models.encoding.row_encoder import has_types, longest_row, name_inputs
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.load_weights import load_tokenizer
from harness.training import training_cost
from harness.training.checkpoint_metadata import save_tokenizer, write_metadata
from harness.training.load_parent import load_for
from harness.training.loop.dropout import set_dropout
from harness.training.loop.reproducible import reproducible
from harness.training.loop.training_loop import Settings, train
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.objectives.corpus import Corpus
from harness.training.objectives.objective import Objective, objective
from harness.training.stage_inputs import StageInputs
from harness.training.stages.pretraining_budget import row_count

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Texts = dict[str, list[str]]
_RELATIVE = 512
"""Longest text that is stated of a model whose positions are relative, as T5's are."""


def pretrain(
    spec: PretrainSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
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
    started = time.monotonic()
    inputs, measures = mitigated(spec.mitigate, inputs)
    texts = {name: [text for text in inputs.texts[name] if text.strip()] for name in sorted(inputs.texts)}
    goal = objective(spec.objective)
    with reproducible(inputs.seed):
        if spec.from_ is None:
            tokenizer, model, corpus, chosen = _fresh(goal, spec, inputs, texts, reporter)
        else:
            tokenizer, model, corpus, chosen = _continued(goal, spec, inputs, texts)
        set_dropout(model, chosen.dropout)

        def planned(rows: int) -> Any:
            return goal.plan(corpus, tokenizer, model, spec, chosen, rows=rows, seed=inputs.seed)

        plan = planned(
            row_count(spec.budget, chosen, model, planned, goal.loss, work=work, started=started, reporter=reporter)
        )
        flops = training_cost.plan_flops(model, plan)
        stage = spec.model_dump(mode="json", by_alias=True)
        progress = train(
            model,
            plan,
            goal.loss,
            Settings(
                learning_rate=chosen.learning_rate,
                seed=inputs.seed,
                embedding_rate=spec.embedding_lr_multiplier,
                save_every=save_every,
            ),
            work=work,
            title="pretraining" if spec.from_ is None else "continued pretraining",
            identity={"stage": stage, "data": dict(inputs.data), "parent": inputs.parent_digest},
            flops=flops,
            reporter=reporter,
        )
        held = goal.facts(model, plan)
        model.save_pretrained(str(work))
    save_tokenizer(tokenizer, work, model)
    spent = {"tokens": progress.tokens, "flops": flops, "steps": len(plan), **training_cost.parameter_counts(model)}
    recipe = {**stage, **asdict(chosen), "architecture": _described(model), **measures}
    metadata = write_metadata(
        work, kind="transformers", stage=stage, inputs=inputs, cost=spent, recipe=recipe, held_out=held
    )
    return {**metadata, "measured": progress.measured()}


def _fresh(
    goal: Objective, spec: PretrainSpec, inputs: StageInputs, texts: Texts, reporter: Reporter
) -> tuple[Any, Any, Corpus, PretrainSettings]:
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
    corpus = _corpus(tokenizer, texts)
    model = goal.fresh(sizes, tokenizer, corpus, spec, chosen, inputs.seed, reporter)
    if has_types(model):
        name_inputs(tokenizer, types=True)
    return tokenizer, model, corpus, chosen


def _continued(
    goal: Objective, spec: PretrainSpec, inputs: StageInputs, texts: Texts
) -> tuple[Any, Any, Corpus, PretrainSettings]:
    parent = inputs.require_parent()
    tokenizer = load_tokenizer(parent)
    model, missing = load_for(
        goal.auto_class(), parent, seed=inputs.seed, check=lambda kind: check_objective(kind, spec.objective)
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
    return tokenizer, model, corpus, chosen


def _corpus(tokenizer: PreTrainedTokenizerFast, texts: Texts) -> Corpus:
    encoder = TextEncoder(tokenizer)
    return Corpus({name: encoder.plain(texts[name]) for name in texts}, len(tokenizer))


def _described(model: PreTrainedModel) -> dict[str, Any]:
    """The configuration, without what says where and when it was made."""
    content: dict[str, Any] = model.config.to_diff_dict()
    return {name: value for name, value in content.items() if name not in {"_name_or_path", "transformers_version"}}
