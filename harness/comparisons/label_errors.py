"""Items whose label may be wrong: both models are confident of one and the same other label.

A model is confident of a label where it gives it at least the probability that it gives this label on average on the
items that have it (confident learning: Northcutt, Jiang & Chuang 2021, doi:10.1613/jair.1.12125). Two models rarely
agree on one mistake, but two specializations of one base can: a candidate is a question to a person, never a fix.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.records import Records

LOG_P = "log_p"


def label_log_probabilities(response: Mapping[str, Any]) -> dict[str, float]:
    """Label → natural log-probability; empty where the response holds none."""
    given = response.get(LOG_P)
    if not isinstance(given, Mapping):
        return {}
    return {str(label): float(value) for label, value in given.items() if isinstance(value, int | float)}


def label_probabilities(response: Mapping[str, Any]) -> dict[str, float]:
    """Label → probability; empty where the response holds none."""
    return {label: math.exp(value) for label, value in label_log_probabilities(response).items()}


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """What all models say of an item against its label.

    Attributes:
        label: the other label.
        confidence: the smallest probability that a model gives it.
    """

    label: str
    confidence: float


def label_doubts(sides: Sequence[Records]) -> dict[str, LabelDoubt]:
    """Item id → what all sides are confident of, where that is not the item's label.

    Empty where a side holds no probabilities of labels.
    """
    doubts: dict[str, LabelDoubt] | None = None
    for records in sides:
        own = _confident(records)
        if doubts is None:
            doubts = own
            continue
        doubts = {
            item: LabelDoubt(doubt.label, min(doubt.confidence, own[item].confidence))
            for item, doubt in doubts.items()
            if item in own and own[item].label == doubt.label
        }
    return doubts or {}


def _confident(records: Records) -> dict[str, LabelDoubt]:
    read = records.take(records.ok)
    given = [label_probabilities(json.loads(text)) for text in read.texts("response")]
    rows = [
        (item, target, probabilities)
        for item, target, probabilities in zip(read.item_ids, read.texts("target"), given, strict=True)
        if target is not None and target in probabilities
    ]
    least = _averages([(target, probabilities) for _, target, probabilities in rows])
    confident = {}
    for item, target, probabilities in rows:
        best = max(probabilities, key=lambda label: probabilities[label])
        if best != target and probabilities[best] >= least.get(best, 1.0):
            confident[item] = LabelDoubt(best, probabilities[best])
    return confident


def _averages(rows: Sequence[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """Label → its mean probability on the items that have it."""
    values: dict[str, list[float]] = {}
    for target, probabilities in rows:
        values.setdefault(target, []).append(probabilities[target])
    return {label: sum(own) / len(own) for label, own in values.items()}
