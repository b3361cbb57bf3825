"""Directions that tell groups apart, and how they are removed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.core.digests import fraction
from harness.core.errors import DataError
from harness.core.records import FloatArray
from harness.model_kinds.projection_kind import ProjectSpec
from harness.text.lexicons.lexicon import Lexicon, given_lexicon
from harness.text.swaps.swap import swap

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")

_MIXED = "mixed"

_LEAST = 20
"""Fewer texts than this show no direction but their own."""

_HELD = 0.3

_CHANCE = 0.02
"""A classifier that beats the most frequent group by no more than this tells nothing."""

_STRENGTH = 1.0


@dataclass(frozen=True, slots=True)
class GroupTexts:
    """Texts of different groups that are otherwise the same.

    Attributes:
        texts: original and swapped ones.
        groups: of each.
        origins: number of the original that each stems from.
    """

    texts: tuple[str, ...]
    groups: tuple[str, ...]
    origins: tuple[int, ...]


def told_apart(texts: Mapping[str, Sequence[str]], spec: ProjectSpec) -> GroupTexts:
    """Sentences that speak of one group, with their counterparts; at most `spec.texts`, by hash.

    Raises:
        DataError: when there are too few.
    """
    kind: str | Lexicon = spec.remove if isinstance(spec.remove, str) else given_lexicon("groups", spec.remove)
    sentences = {piece for rows in texts.values() for text in rows for piece in _SENTENCE.split(text) if piece.strip()}
    labeled: list[tuple[str, str, int]] = []
    origins = 0
    for sentence in sorted(sentences, key=fraction):
        if origins >= spec.texts:
            break
        variants = [
            variant for variant in swap(sentence, (kind,)) if _MIXED not in (variant.from_group, variant.to_group)
        ]
        if not variants or len({variant.from_group for variant in variants}) > 1:
            continue
        labeled.append((sentence, variants[0].from_group, origins))
        labeled += [(variant.text, variant.to_group, origins) for variant in variants]
        origins += 1
    if origins < _LEAST:
        named = kind if isinstance(kind, str) else ", ".join(kind.groups)
        raise DataError(
            f"{origins} sentences mention one group ({named}) and can be swapped; at least {_LEAST} are required to "
            f"estimate a direction.",
            hint="add more `data`, or use different words in `remove`.",
        )
    return GroupTexts(*(tuple(column) for column in zip(*labeled, strict=True)))


def inlp(
    states: Mapping[str, FloatArray], told: GroupTexts, *, most: int, seed: int
) -> tuple[FloatArray, dict[str, object]]:
    """Orthonormal directions float64[k, H], and how well the groups are told before and after.

    Texts of one origin are never split between those that a classifier learns from and those that it is measured on.
    """
    features = np.concatenate([states[name] for name in sorted(states)])
    groups = np.tile(np.asarray(told.groups), len(states))
    origins = np.tile(np.asarray(told.origins), len(states))
    held = _held(origins, seed)
    chance = float(np.unique(groups[held], return_counts=True)[1].max() / held.sum())
    directions: FloatArray = np.zeros((0, features.shape[1]))
    told_by: list[float] = []
    while True:
        left = _without(features, directions)
        fit = _classifier(left[~held], groups[~held])
        told_by.append(float((fit.predict(left[held]) == groups[held]).mean()))
        if len(told_by) > 1 and told_by[-1] <= chance + _CHANCE:
            break
        rows = _orthonormal(_without(np.asarray(fit.coef_, dtype=np.float64), directions))
        room = min(most, features.shape[1] - 1) - len(directions)
        if not len(rows[:room]):
            break
        # Orthonormal together, however many rounds: the projection of all directions at once.
        directions = _orthonormal(np.concatenate([directions, rows[:room]]))
    facts: dict[str, object] = {
        "texts": len(told.texts),
        "told_before": round(told_by[0], 4),
        "told_after": round(told_by[-1], 4),
        "chance": round(chance, 4),
    }
    return directions, facts


def sentence_debias(
    states: Mapping[str, FloatArray], told: GroupTexts, *, count: int, seed: int
) -> tuple[FloatArray, dict[str, object]]:
    """The same by principal directions of texts about their origin's mean."""
    origins = np.asarray(told.origins)
    centered = np.concatenate([_centered(states[name], origins) for name in sorted(states)])
    _, sizes, rows = np.linalg.svd(centered, full_matrices=False)
    count = min(count, int((sizes > sizes[0] * 1e-9).sum()), centered.shape[1] - 1)
    directions: FloatArray = rows[:count]
    features = np.concatenate([states[name] for name in sorted(states)])
    groups, every = np.tile(np.asarray(told.groups), len(states)), np.tile(origins, len(states))
    held = _held(every, seed)
    told_by = []
    for taken in (np.zeros((0, features.shape[1])), directions):
        left = _without(features, taken)
        fit = _classifier(left[~held], groups[~held])
        told_by.append(float((fit.predict(left[held]) == groups[held]).mean()))
    facts: dict[str, object] = {
        "texts": len(told.texts),
        "told_before": round(told_by[0], 4),
        "told_after": round(told_by[1], 4),
        "chance": round(float(np.unique(groups[held], return_counts=True)[1].max() / held.sum()), 4),
        "variance": round(float((sizes[:count] ** 2).sum() / (sizes**2).sum()), 4),
    }
    return directions, facts


def _held(origins: npt.NDArray[np.str_], seed: int) -> npt.NDArray[np.bool_]:
    share = {int(origin): fraction(f"held/{seed}/{origin}") for origin in np.unique(origins)}
    return np.array([share[int(origin)] < _HELD for origin in origins])


def _centered(features: FloatArray, origins: npt.NDArray[np.intp]) -> FloatArray:
    sums = np.zeros((int(origins.max()) + 1, features.shape[1]))
    np.add.at(sums, origins, features)
    means: FloatArray = sums / np.bincount(origins)[:, None]
    centered: FloatArray = features - means[origins]
    return centered


def _without(vectors: FloatArray, directions: FloatArray) -> FloatArray:
    left: FloatArray = vectors - (vectors @ directions.T) @ directions
    return left


def _orthonormal(rows: FloatArray) -> FloatArray:
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    kept: FloatArray = basis[sizes > max(sizes[0] if len(sizes) else 0.0, 1.0) * 1e-9]
    return kept


def _classifier(features: FloatArray, groups: npt.NDArray[np.str_]) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    spread = features.std()
    fit = LogisticRegression(C=_STRENGTH / max(float(spread) ** 2, 1e-12), max_iter=200, solver="lbfgs")
    return fit.fit(features, groups)
