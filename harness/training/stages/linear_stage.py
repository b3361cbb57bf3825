"""A linear classifier on the frozen base: softmax regression on its mean-pooled last hidden states."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.reporter import Reporter
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.flop_shapes import shape_of
from harness.models.checkpoint.formats.linear_head_file import LinearHead, write_linear
from harness.models.encoding.row_encoder import longest_row
from harness.models.encoding.text_encoder import encode_texts, text_encoder
from harness.training import training_cost
from harness.training.checkpoint_metadata import write_metadata
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.stage_inputs import StageInputs
from harness.training.stages.logistic_regression import LabeledFeatures, choose

FloatMatrix = npt.NDArray[np.float64]
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)


def finetune_linear(
    spec: FinetuneSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Fits the head and writes it; the base is referenced by its key, not copied.

    The regularization is chosen by validation accuracy, or by cross-validation without one.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when examples are missing or unfit.
        CheckpointError: when the parent cannot be loaded.
    """
    from harness.models.derived.frozen_features import mean_features
    from harness.models.local.load_weights import load_tokenizer
    from harness.training.load_parent import load_encoder
    from harness.training.loop.reproducible import reproducible

    inputs.require_labeled("a linear classifier")
    if spec.dropout is not None:
        raise SuiteError("`dropout` applies to trained layers; a linear head has none.", hint="remove it.")
    inputs, measures = mitigated(spec.mitigate, inputs)
    train, validation = inputs.require_labeled("a linear classifier")
    if spec.weights == "random":
        raise SuiteError(
            "a linear head always uses the pretrained features of its base, so random weights have no effect.",
            hint="remove `weights: random`, or use `method: full` with it.",
        )
    parent = inputs.require_parent()
    started = time.monotonic()
    with reproducible(inputs.seed):
        tokenizer = load_tokenizer(parent)
        encoder = load_encoder(parent, weights="pretrained", seed=inputs.seed)
        limit = longest_row(encoder, text_encoder(tokenizer))
        texts = [[text for text, _ in part] for part in (train, validation)]
        rows = [encode_texts(tokenizer, part, limit).ids for part in texts]
        with reporter.task("features of the frozen base", len(train) + len(validation), "texts") as task:
            # The very function that answers later: a head must see the features that it was fitted on.
            features, held = (_features(mean_features, parent, part, inputs, task) for part in texts)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-8] = 1.0
    fit = choose(
        LabeledFeatures((features - mean) / scale, [label for _, label in train], inputs.weights),
        LabeledFeatures((held - mean) / scale, [label for _, label in validation]) if validation else None,
        labels=len(inputs.labels),
        strengths=_STRENGTHS,
        seed=inputs.seed,
    )
    write_linear(work, LinearHead(fit.coef, fit.intercept, mean, scale, inputs.labels))
    tokens = sum(len(row) for part in rows for row in part)
    shape = shape_of(encoder.config.to_dict())
    flops = shape.stack(shape.layers, tokens, tokens / max(1, sum(map(len, rows)))) if shape is not None else 0.0
    counts = training_cost.parameter_counts(encoder)
    own = fit.coef.size + fit.intercept.size
    spent = {
        "tokens": tokens,
        "flops": float(round(flops)),
        "steps": 1,
        "parameters": counts["parameters"] + own,
        "trainable": own,
    }
    metadata = write_metadata(
        work,
        kind="linear",
        stage=spec.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        cost=spent,
        recipe={"C": fit.strength, "pooling": "mean", **measures},
    )
    return {**metadata, "validation": fit.score, "measured": training_cost.measured(started, tokens)}


def _features(measure: Any, parent: Path, texts: Sequence[str], inputs: StageInputs, task: Any) -> FloatMatrix:
    features: FloatMatrix = np.asarray(measure(parent, texts, resolve=inputs.resolve), dtype=np.float64)
    task.advance(len(texts))
    return features
