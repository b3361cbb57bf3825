"""`harness init` without click: a suite for the user's own data and models, which are looked at, not guessed.

What the data are good for says `described_data`; what a checkpoint can be asked says `Ability`. From both follow the
evaluations that each model can answer, and the gates that can judge something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.new_suites.described_data import DescribedData
from harness.commands.new_suites.drafted_task import add_task, tags_fit
from harness.commands.new_suites.suite_draft import (
    HEURISTICS,
    MOST_LABELS,
    NO_MODELS,
    UNSAID,
    Ask,
    Draft,
    GivenModels,
    TrainingWord,
    parted,
    path_in_suite,
)
from harness.core.errors import SuiteError
from harness.pipeline.checkpoints.named_checkpoints import Ability, ability_of
from harness.suite.suite_text import suite_text

_COUNTED = ("gazetteer", "mean", "tfidf")
"""Rules that need training rows."""
_TRAINED_SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class InitialSuite:
    """A suite's text, and what was noticed.

    Attributes:
        text: YAML.
        facts: what the data and the models are, in lines for people.
        notes: what a reader must know: what was guessed, who cannot answer what, what stays inconclusive.
    """

    text: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]


def initial_suite(
    out: Path,
    data: Sequence[DescribedData],
    models: GivenModels = NO_MODELS,
    *,
    name: str | None = None,
    word: TrainingWord = UNSAID,
    labels: str | None = None,
    ask: Ask | None = None,
) -> InitialSuite:
    """The text of a suite that stands at `out`.

    Args:
        data: the files.
        name: of the suite; that of the first file when left out.
        word: what is said of the rows.
        labels: what the rows of the classifier's head mean (`--labels`).
        ask: asks a person for it where neither the names nor `labels` say it.

    Raises:
        HarnessError: when a model cannot be used, when nothing says what a head's rows mean, or when nothing could be
            judged.
    """
    base = None if models.base is None else ability_of(*parted(models.base))
    finetuned = None if models.finetuned is None else ability_of(*parted(models.finetuned), base)
    draft = Draft(out.parent, base, finetuned, word)
    draft.value = {
        "name": name or data[0].name,
        "seed": 0,
        "data": {},
        "models": {},
        "compare": {},
        "tasks": {},
        "probes": {},
        "gates": [],
    }
    for described in data:
        _add_data(draft, described)
        add_task(draft, described, labels, ask)
    _add_models(draft, models, data[0])
    _add_language(draft, data)
    _finish(draft, data, out)
    value = {key: part for key, part in draft.value.items() if part or key in ("seed",)}
    facts = [f"{described.path}: {described.sentence}" for described in data]
    for role, ability in (("base", base), ("finetuned", finetuned)):
        if ability is not None:
            facts.append(f"{role}: {_shown(ability)}")
    return InitialSuite(suite_text(value, draft.comments), tuple(facts), tuple(draft.notes))


def _shown(ability: Ability) -> str:
    parts = [f"{'an adapter on a ' if ability.adapter else ''}{ability.family} model"]
    if ability.labels:
        parts.append(f"head with the labels {', '.join(ability.labels[:MOST_LABELS])}")
    if ability.tags:
        parts.append(f"head with the tags {', '.join(ability.tags[:MOST_LABELS])}")
    if ability.spans:
        parts.append("head for answers within a text")
    parts.append("language model" if ability.language_model else "no language model")
    return "; ".join(parts)


def _add_data(draft: Draft, described: DescribedData) -> None:
    splits: Any = described.splits or (
        _TRAINED_SPLITS if draft.trained_here else {"train": 0.3, "test": 0.7} if _counts(draft, described) else None
    )
    draft.value["data"][described.name] = {
        "file": path_in_suite(described.path, draft.folder),
        **described.read_as,
        **({"columns": dict(described.columns)} if described.columns else {}),
        **({"language": described.language} if described.language not in (None, "en") else {}),
        "splits": splits or {"test": 1.0},
        **({"held_out": True} if draft.word.held_out else {}),
    }
    further = (
        "cluster: COLUMN keeps related rows (a document, an author) together; slices: [COLUMN] reports them apart."
    )
    said = (
        ""
        if draft.word.held_out or draft.word.trained_on or draft.trained_here
        else ("\nheld_out: true is your word that no model learned from these rows. Write it only if it is so.")
    )
    draft.comments["data", described.name] = further + said


def _counts(draft: Draft, described: DescribedData) -> bool:
    """Whether its heuristic needs training rows, and stands in for a base that cannot answer."""
    return HEURISTICS.get(described.kind) in _COUNTED and not (draft.base and tags_fit(draft.base, described))


def _add_models(draft: Draft, models: GivenModels, first: DescribedData) -> None:
    learned: dict[str, Any] = {}
    if draft.word.trained_on is not None:
        learned = {"trained_on": [path_in_suite(Path(file), draft.folder) for file in draft.word.trained_on]}
    heuristics = draft.value["models"]
    made: dict[str, Any] = {}
    if models.base is not None:
        made["base"] = {**_load(models.base, draft.folder), **learned}
    if models.finetuned is not None:
        made["finetuned"] = {**_finetuned(draft, models), **learned}
    elif models.base is not None:
        made["finetuned"] = {"finetune": {"from": "base", "task": first.name}}
        draft.comments["models", "finetuned"] = (
            "No fine-tuned model was given: it is trained here, on the training rows."
        )
    elif first.kind == "regression":
        raise SuiteError(
            f"{first.path} (regression): no model was given, and a bag of words learns only labels.",
            hint="pass --base with the encoder that is to learn the numbers, or --finetuned with one that did.",
        )
    else:
        made["finetuned"] = {"classical": {"task": first.name}}
        draft.comments["models", "finetuned"] = (
            "No model was given: a bag of words is trained here. Put your own in its place: {load: FOLDER}."
        )
    draft.value["models"] = {**made, **heuristics}
    draft.value["compare"] = {"baseline": _baseline(draft, models, first), "candidates": ["finetuned"]}
    draft.value["compare"]["release"] = ["finetuned"]


def _finetuned(draft: Draft, models: GivenModels) -> dict[str, Any]:
    assert models.finetuned is not None
    if draft.finetuned is None or not draft.finetuned.adapter or models.base is None:
        return _load(models.finetuned, draft.folder)
    name, revision = parted(models.finetuned)
    placed = {"adapter": path_in_suite(Path(name), draft.folder) if Path(name).exists() else name}
    labels = next(
        (task["classification"].get("labels") for task in draft.value["tasks"].values() if "classification" in task),
        None,
    )
    named = {"labels": labels} if labels and draft.finetuned.labels and not draft.finetuned.named else {}
    more = {"adapter_revision": revision} if revision else {}
    return {**_load(models.base, draft.folder), **placed, **more, **named}


def _load(name: str, folder: Path) -> dict[str, Any]:
    path, revision = parted(name)
    if revision is not None:
        return {"load": path, "revision": revision}
    return {"load": path_in_suite(Path(name), folder) if Path(name).exists() else name}


def _baseline(draft: Draft, models: GivenModels, first: DescribedData) -> str:
    """The base where there is one; else a heuristic, which the suite then declares."""
    if models.base is not None:
        return "base"
    rule = HEURISTICS.get(first.kind)
    if rule is None:
        raise SuiteError(
            f"{first.path} ({first.kind}) has no heuristic baseline, and no base was given: nothing could be compared.",
            hint="pass --base with the checkpoint that the fine-tuned model was trained from.",
        )
    name = f"{rule}-{first.name}"
    draft.value["models"][name] = {"heuristic": {"task": first.name, "rule": rule}}
    return name


def _add_language(draft: Draft, data: Sequence[DescribedData]) -> None:
    """Language modeling on running text, and bias pairs, where both models are language models of one kind."""
    base = draft.base
    finetuned = draft.finetuned or base
    if base is None or finetuned is None or not (base.language_model and finetuned.language_model):
        return
    if base.family not in ("masked", "causal") or base.family != finetuned.family:
        return
    metric = "pseudo_bits_per_byte" if base.family == "masked" else "bits_per_byte"
    running = next((described for described in data if described.text is not None), None)
    if running is not None:
        name = running.name if running.kind == "language_modeling" else "language"
        column = {} if running.text == "text" else {"text": running.text}
        draft.value["tasks"][name] = {"language_modeling": {"data": running.name, **column, "limit": 300}}
        blocking = {} if running.kind == "language_modeling" else {"severity": "warn"}
        draft.gate(id="memory", metric=f"{name}.{metric}", kind="non_inferiority", margin={"ratio": 1.05}, **blocking)
    if all(described.english for described in data):
        draft.value["probes"]["pairs"] = {"minimal_pairs": {"data": {"catalog": "own-pairs"}}}
        draft.gate(id="bias", metric="pairs.stereotype_score", kind="target", ideal=0.5, margin=0.1, severity="warn")


def _finish(draft: Draft, data: Sequence[DescribedData], out: Path) -> None:
    """Probes that stand on a classification, what is left unsaid, and the comment at the top."""
    for described in data:
        if described.kind == "classification" and described.english and "pair" not in described.columns:
            probe = "swaps" if "swaps" not in draft.value["probes"] else f"{described.name}-swaps"
            draft.value["probes"][probe] = {
                "counterfactual": {"on": described.name, "swap": ["gender", "names"], "templates": True}
            }
            draft.gate(id=probe, metric=f"{probe}.flip_rate", kind="absolute", max=0.1, severity="warn")
        if not described.english:
            draft.notes.append(
                f"{described.path} seems not to be in English: the built-in bias probes are made for English and are "
                "left out."
            )
    if not any(rule.get("severity") != "warn" for rule in draft.value["gates"]):
        raise SuiteError(
            "nothing could be judged: the data and the models share no question.",
            hint="pass labeled data, or two language models of one kind and their texts.",
        )
    if draft.word.trained_on is None and not draft.word.held_out and not draft.trained_here:
        draft.notes.append(
            "nothing says what the models learned from: gates on your rows stay inconclusive until the suite says "
            "`held_out: true` (data) or `trained_on: [FILE]` (models)."
        )
        draft.comments["models", "finetuned"] = (
            "trained_on: [FILE] leaves out the rows that occur in FILE. Until the suite says it, or held_out: true,\n"
            "gates on your own rows are inconclusive."
        )
    file = str(out).replace("\n", " ").replace("\r", " ")
    draft.comments[()] = (
        f"harness plan {file}     shows what would run, and what the data can detect\n"
        f"harness run {file}      runs it and writes the report"
    )
    draft.comments["compare",] = "Gates judge the models under `release`."
