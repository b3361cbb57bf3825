"""Linear heads on frozen features, and the page that names their parent."""

from __future__ import annotations

import json

import numpy as np

from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.formats.linear_head_file import LinearHead, write_linear

LABELS = ("negative", "neutral", "positive")


def lineage(folder, kind, parent=None, labels=LABELS):
    content = {"format": 1, "kind": kind, "labels": list(labels), "parent": parent}
    (folder / "checkpoint.json").write_text(json.dumps(content))


def make_linear(folder, base, hidden=32):
    generator = np.random.default_rng(0)
    folder.mkdir()
    head = LinearHead(
        coef=generator.normal(size=(3, hidden)),
        intercept=generator.normal(size=3),
        mean=generator.normal(size=hidden),
        scale=generator.uniform(0.5, 2, size=hidden),
        labels=LABELS,
    )
    write_linear(folder, head)
    lineage(folder, "linear", {"key": "b" * 64, "digest": checkpoint_digest(base)})
    return head
