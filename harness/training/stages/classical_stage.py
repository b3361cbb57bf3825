"""TF-IDF and logistic regression: what a model without any pretraining or depth reaches."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from harness.core.errors import DataError
from harness.core.reporter import Reporter
from harness.model_kinds.classical_kind import ClassicalSpec
from harness.models.checkpoint.formats.classical_file import TOKEN_PATTERN, ClassicalWeights, write_classical
from harness.models.derived.classical_backend import bag_text
from harness.training import training_cost
from harness.training.checkpoint_metadata import write_metadata
from harness.training.mitigation.mitigated_rows import mitigated
from harness.training.stage_inputs import StageInputs
from harness.training.stages.logistic_regression import LabeledFeatures, choose

_STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)


def train_classical(
    spec: ClassicalSpec, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, object]:
    """Fits the classifier and writes `vocabulary.json`, `classical.json` and `classical.safetensors`.

    The regularization is chosen by validation accuracy, or by cross-validation without one.

    Returns:
        The checkpoint's metadata and what was measured.

    Raises:
        DataError: when examples are missing or unfit, or hold no word at all.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    by = "TF-IDF and logistic regression"
    inputs.require_labeled(by, bag_text)
    inputs, measures = mitigated(spec.mitigate, inputs)
    train, validation = inputs.require_labeled(by, bag_text)
    started = time.monotonic()
    texts = [text for text, _ in train]
    vectorizer = TfidfVectorizer(
        ngram_range=(1, spec.ngrams), sublinear_tf=True, lowercase=True, token_pattern=TOKEN_PATTERN, dtype=np.float64
    )
    with reporter.task(by, 1, "fit") as task:
        try:
            features = vectorizer.fit_transform(texts)
        except ValueError as error:
            raise DataError(
                "the training texts contain no word of two or more letters.", hint="check the `text` column."
            ) from error
        held = None
        if validation:
            texts = [text for text, _ in validation]
            held = LabeledFeatures(vectorizer.transform(texts), [label for _, label in validation])
        fit = choose(
            LabeledFeatures(features, [label for _, label in train], inputs.weights),
            held,
            labels=len(inputs.labels),
            strengths=_STRENGTHS,
            seed=inputs.seed,
        )
        task.advance(1)
    vocabulary = {str(ngram): int(column) for ngram, column in vectorizer.vocabulary_.items()}
    write_classical(
        work,
        ClassicalWeights(
            vocabulary=vocabulary,
            idf=np.asarray(vectorizer.idf_, dtype=np.float64),
            coef=fit.coef,
            intercept=fit.intercept,
            labels=inputs.labels,
            ngrams=(1, spec.ngrams),
        ),
    )
    tokens = sum(len(text.split()) for text in texts)
    size = fit.coef.size + fit.intercept.size
    metadata = write_metadata(
        work,
        kind="classical",
        stage=spec.model_dump(mode="json"),
        inputs=inputs,
        cost={"tokens": tokens, "flops": 0.0, "steps": 1, "parameters": size, "trainable": size},
        recipe={"C": fit.strength, "ngrams": spec.ngrams, "sublinear": True, **measures},
    )
    return {**metadata, "validation": fit.score, "measured": training_cost.measured(started, tokens)}
