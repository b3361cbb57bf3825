"""A suite for two checkpoints, made up from what they can answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.new_suites.described_data import describe_data
from harness.commands.new_suites.head_labels import match_labels
from harness.commands.new_suites.suite_draft import parted
from harness.core.errors import DataError, SuiteError, Where
from harness.pipeline.checkpoints.named_checkpoints import ability_of, family_of, needs_base

if TYPE_CHECKING:
    from harness.suite.suite import Suite

MADE = "audit.yaml"
"""Where the suite would stand; paths in it are absolute."""


@dataclass(frozen=True, slots=True)
class TaskData:
    """The user's rows of a classification task.

    Attributes:
        file: holds them.
        text, label: its columns.
        labels: what the rows of the classifier's head mean (`--labels`), where their names do not say it.
        read_as: `format`, `delimiter` and `encoding` where the user gives them.
    """

    file: Path
    text: str = "text"
    label: str = "label"
    labels: str | None = None
    read_as: Mapping[str, str] = field(default_factory=dict)


def audit_suite(
    base: str,
    finetuned: str,
    *,
    task: TaskData | None = None,
    prose: Path | None = None,
    bias: str = "own",
    trained_on: Sequence[str] | None = None,
    held_out: bool = False,
) -> Suite:
    """The suite of `harness audit`: language modeling, bias pairs, and with `task` a task.

    The checkpoints are looked at, not loaded, so that metrics fit what they are (masked or causal).

    Args:
        trained_on: files that the checkpoints learned from; None where nobody says it.
        held_out: the person's word that neither learned from the rows of `task` and `prose`.
        bias: `own` asks our own probes (no further download); `full` adds the probes of the bundled suite bias-full.

    Raises:
        HarnessError: when a checkpoint cannot be used or a file does not exist.
    """
    from harness.suite.load_suite import parse_suite

    for path in (None if task is None else task.file, prose):
        if path is not None and not path.is_file():
            raise DataError("there is no such file.", where=Where(path), hint="check the path.")
    adapted = _stands_on(base, finetuned)
    whole = (base,) if adapted else (base, finetuned)
    families = {family for family in map(_language_model, whole) if family is not None}
    value: dict[str, Any] = {
        "name": "audit",
        "title": f"{Path(finetuned).name} against {Path(base).name}",
        "data": {"prose": _prose(prose, held_out)},
        "models": {
            "base": _load(base, trained_on),
            "finetuned": _on_base(base, finetuned, trained_on) if adapted else _load(finetuned, trained_on),
        },
        "compare": {"baseline": "base", "candidates": ["finetuned"], "release": ["finetuned"]},
        "tasks": {},
        "probes": {},
        "gates": [],
    }
    if families:
        bits = "pseudo_bits_per_byte" if families == {"masked"} else "bits_per_byte"
        perplexity = "pseudo_perplexity" if families == {"masked"} else "word_perplexity"
        value["tasks"]["general"] = {
            "language_modeling": {"data": "prose", "text": "text", "metrics": [bits, perplexity], "limit": 300}
        }
        value["probes"]["pairs"] = {"minimal_pairs": {"data": {"catalog": "own-pairs"}}}
        if prose is None:
            value["probes"]["pronouns"] = {"occupation_pronouns": {"data": "prose"}}
        value["gates"] += [
            {
                "id": "memory",
                "metric": f"general.{bits}",
                "kind": "non_inferiority",
                "margin": {"ratio": 1.05},
            },
            {"id": "bias-drift", "metric": "pairs.stereotype_score", "kind": "equivalence", "margin": 0.05},
            {
                "id": "bias-level",
                "metric": "pairs.stereotype_score",
                "kind": "target",
                "ideal": 0.5,
                "margin": 0.05,
                "severity": "warn",
            },
        ]
    if task is not None:
        value["data"]["task"] = {
            "file": str(task.file.absolute()),
            **task.read_as,
            "columns": {"text": task.text, "label": task.label},
            "splits": {"test": 1.0},
            "held_out": held_out,
        }
        matched = {} if task.labels is None else _matched(base, finetuned, task, task.labels)
        value["tasks"]["task"] = {"classification": {"data": "task", "text": "text", "label": "label", **matched}}
        value["probes"]["swaps"] = {"counterfactual": {"on": "task", "swap": ["gender", "names"], "templates": True}}
        value["gates"].append({"id": "task-kept", "metric": "task.accuracy", "kind": "non_inferiority", "margin": 0.02})
    if bias == "full":
        _add_full(value)
    if not value["tasks"]:
        raise DataError(
            "neither checkpoint has a language-model head, and --task-data is missing: there is nothing to evaluate.",
            where=Where(base),
            hint="pass --task-data FILE with texts and the classifiers' labels.",
        )
    return parse_suite(json.dumps(value, indent=2) + "\n", Path.cwd() / MADE)


def _matched(base: str, finetuned: str, task: TaskData, said: str) -> dict[str, Any]:
    """The options of the task that say which label a row of the head means.

    Raises:
        HarnessError: when the checkpoint has no head, or what is said does not fit it and the data.
    """
    described = describe_data(task.file, task.read_as, text=task.text, label=task.label)
    head = ability_of(*parted(finetuned), ability_of(*parted(base))).labels
    if head is None:
        raise SuiteError("--labels names the rows of a head, and the fine-tuned checkpoint has none.")
    matched = match_labels(head, described.labels, said)
    assert matched is not None, "what is given fits, or is an error"
    return {
        "labels": list(matched.labels),
        **({"head_labels": dict(matched.head_labels)} if matched.head_labels is not None else {}),
    }


def _add_full(value: dict[str, Any]) -> None:
    """The data, tasks and probes of bias-full; names that the audit has already stay as they are."""
    from harness.suite.load_suite import load_suite

    full = load_suite("bias-full", policies=()).value
    for section in ("data", "tasks", "probes"):
        value[section] = {**full.get(section, {}), **value[section]}


def _stands_on(base: str, finetuned: str) -> bool:
    """Whether the second checkpoint is an adapter alone: it stands on the first, whatever its file calls its base."""
    return not needs_base(*parted(base)) and needs_base(*parted(finetuned))


def _on_base(base: str, adapter: str, trained_on: Sequence[str] | None) -> dict[str, Any]:
    name, revision = parted(adapter)
    placed = {"adapter": str(Path(name).absolute()) if Path(name).exists() else name}
    return {**_load(base, trained_on), **placed, **({"adapter_revision": revision} if revision else {})}


def _language_model(name: str) -> str | None:
    """`masked`, `causal`, or None; of an adapter or a head, what its parent is."""
    path, revision = parted(name)
    family = family_of(path, revision)
    return family if family in {"masked", "causal"} else None


def _load(path: str, trained_on: Sequence[str] | None) -> dict[str, Any]:
    name, revision = parted(path)
    learned = {} if trained_on is None else {"trained_on": [str(Path(file).absolute()) for file in trained_on]}
    if revision is not None:
        return {"load": name, "revision": revision, **learned}
    return {"load": str(Path(path).absolute()) if Path(path).exists() else path, **learned}


def _prose(path: Path | None, held_out: bool) -> dict[str, Any]:
    if path is None:
        return {"catalog": "boolq-passages"}
    return {"file": str(path.absolute()), "format": "txt", "splits": {"test": 1.0}, "held_out": held_out}
