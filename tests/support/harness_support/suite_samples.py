"""A suite on one's own file and two checkpoints, as `harness init` writes it."""

from __future__ import annotations

from typing import Any

from harness.suite.suite_text import suite_text


def own_suite(**data: Any) -> dict[str, Any]:
    """A suite's sections.

    Args:
        data: further keys of its file.
    """
    return {
        "name": "mine",
        "seed": 0,
        "data": {"mine": {"file": "mine.csv", "columns": {"text": "text", "label": "label"}, **data}},
        "models": {"base": {"load": "models/base"}, "finetuned": {"load": "models/finetuned"}},
        "compare": {"baseline": "base", "candidates": ["finetuned"], "release": ["finetuned"]},
        "tasks": {
            "mine": {"classification": {"data": "mine", "labels": ["bad", "good"]}},
            "language": {"language_modeling": {"data": "mine"}},
        },
        "probes": {
            "swaps": {"counterfactual": {"on": "mine", "swap": ["gender", "names"], "templates": True}},
            "pairs": {"minimal_pairs": {"data": {"catalog": "own-pairs"}}},
        },
        "gates": [
            {"id": "better", "metric": "mine.f1_macro", "kind": "superiority"},
            {"id": "swaps", "metric": "swaps.flip_rate", "kind": "absolute", "max": 0.1, "severity": "warn"},
        ],
    }


OWN = suite_text(own_suite())
