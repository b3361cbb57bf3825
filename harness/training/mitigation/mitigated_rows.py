"""Mitigation before and while a stage learns: other rows, or other weights of rows."""

from __future__ import annotations

from dataclasses import replace

from harness.schema.suite.mitigation import Mitigation, TextMitigation
from harness.text.lexicons.builtin_lists import lists_digest
from harness.training.mitigation.augmentation import augment_examples, augment_texts
from harness.training.mitigation.reweighing import reweigh
from harness.training.stage_inputs import StageInputs

MITIGATION_VERSION = 1
"""Raised when the same settings would make other rows or weights than before."""

__all__ = ["mitigated", "mitigation_key"]


def mitigated(spec: TextMitigation | None, inputs: StageInputs) -> tuple[StageInputs, dict[str, object]]:
    """What a stage learns from after augmentation and reweighing, and what they did, in figures.

    Validation examples stay as they are. Weights are those of the rows after augmentation.

    Raises:
        DataError: when no text can be swapped, or a group has no row.
        SuiteError: when a method does not fit the examples.
    """
    if spec is None:
        return inputs, {}
    facts: dict[str, object] = {}
    chosen = spec.augmenting
    if chosen is not None and inputs.texts:
        texts, facts["augment"] = augment_texts(inputs.texts, chosen)
        inputs = replace(inputs, texts=texts)
    elif chosen is not None:
        train, facts["augment"] = augment_examples(inputs.train, inputs.labels, chosen)
        inputs = replace(inputs, train=train)
    weights = spec.reweighing if isinstance(spec, Mitigation) else None
    if weights is not None:
        row_weights, facts["reweigh"] = reweigh(inputs.train, inputs.labels, weights, inputs.groups)
        inputs = replace(inputs, weights=tuple(row_weights.tolist()))
    return inputs, {"mitigation": facts}


def mitigation_key() -> dict[str, object]:
    """What decides rows, weights and directions beside the spec and the data: part of a checkpoint's key."""
    return {"version": MITIGATION_VERSION, "lists": lists_digest()}
