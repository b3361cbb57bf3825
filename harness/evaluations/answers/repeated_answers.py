"""Several sampled answers to one item as one record: means over the answers, and how far they scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.core.records import FAILED, OK, SCATTER, Record

SAMPLED = ("samples_total", "samples_correct", "majority_vote", "unread_samples")
"""Statistics of items that were answered several times and are right or wrong."""


def joined_answers(answers: Sequence[Record]) -> Record:
    """The record of an item that was answered several times.

    Statistics are means over the answers that can be read; `sampling_variance.*` are s²/r for r of them with the
    variance s². An answer that cannot be read is not right, and has no vote. The item is unread where none can be read,
    and failed where one failed.
    """
    broken = next((answer for answer in answers if answer.status == FAILED), None)
    if broken is not None:
        return broken
    readable = [answer for answer in answers if answer.status == OK]
    texts = [str(answer.response.get("generated", "")) for answer in answers]
    truncated = sum(answer.truncated for answer in answers)
    if not readable:
        return replace(answers[0], response={**answers[0].response, "samples": texts}, truncated=truncated)
    stats: dict[str, float] = {}
    for name in dict.fromkeys(name for answer in readable for name in answer.stats):
        values = np.array([answer.stats[name] for answer in readable if name in answer.stats])
        stats[name] = float(values.mean())
        if len(values) > 1:
            stats[SCATTER + name] = float(values.var(ddof=1)) / len(values)
    votes: dict[str, list[float]] = {}
    for answer in readable:
        votes.setdefault(answer.prediction or "", []).append(answer.stats.get("correct", 0.0))
    most = max(map(len, votes.values()))
    modal = [text for text, right in votes.items() if len(right) == most]
    stats["unread_samples"] = 1 - len(readable) / len(answers)
    stats["samples_total"] = float(len(answers))
    if "correct" in stats:
        stats["samples_correct"] = sum(answer.stats.get("correct", 0.0) for answer in readable)
        # Where several answers are the most frequent, each wins with the same chance.
        stats["majority_vote"] = float(np.mean([np.mean(votes[text]) for text in modal]))
    return replace(
        readable[0],
        prediction=modal[0],
        truncated=truncated,
        stats=stats,
        response={**readable[0].response, "samples": texts},
    )
