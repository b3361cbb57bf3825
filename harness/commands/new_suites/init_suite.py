"""`harness init` without click: a suite for the user's own data and models, which are looked at, not guessed.

What the data are good for says `described_data`; what a checkpoint can be asked says `Ability`. From both follow the
evaluations that each model can answer, and the gates that can judge something.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.commands.new_suites.described_data import DescribedData
from harness.commands.new_suites.head_labels import LabelMap, label_table, match_labels
from harness.core.errors import SuiteError
from harness.pipeline.checkpoints.named_checkpoints import Ability, ability_of
from harness.suite.suite_text import suite_text

_MOST_LABELS = 20
"""A suite names so many labels; more are left to the data."""
_LEADING = {
    "classification": "f1_macro",
    "multilabel_classification": "f1_multilabel_macro",
    "token_classification": "span_f1",
    "question_answering": "squad_f1",
    "generative_qa": "squad_f1",
    "translation": "chrf",
    "summarization": "rougeL",
    "multiple_choice": "acc",
    "text_generation": "target_bits_per_byte",
    "regression": "spearman",
    "retrieval": "ndcg_at_k[10]",
    "reranking": "ndcg_at_k[10]",
}
"""Task → the metric that its gates read."""
_LEAST = {"chrf": 20, "rougeL": 0.1, "target_bits_per_byte": 4}
"""Absolute limits to begin with; of other metrics it is one half."""
_RULES = {
    "classification": "majority",
    "token_classification": "gazetteer",
    "question_answering": "overlap",
    "translation": "copy",
    "summarization": "lead",
    "multiple_choice": "longest",
    "regression": "mean",
    "retrieval": "tfidf",
    "reranking": "tfidf",
}
"""Task → the heuristic that any model must beat."""
_AGAINST_RULE = {"regression": "mae"}
"""Task → the metric by which a model is compared with its heuristic, where the leading one has no value for that."""
_UNTRAINED = ("retrieval", "reranking")
"""Tasks that no stage learns."""
_COUNTED = ("gazetteer", "mean", "tfidf")
"""Rules that need training rows."""
_WRITTEN = ("generative_qa", "translation", "summarization", "text_generation")
_TRAINED_SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}

Ask = Callable[[Sequence[str], Mapping[str, int]], str | None]
"""Asks a person what the rows of a head mean: its names, the data's labels with their rows → the answer, or None."""


@dataclass(frozen=True, slots=True)
class TrainingWord:
    """What the person says of the rows.

    Attributes:
        trained_on: files that the models learned from, relative to the current folder; None where nothing is said.
        held_out: no model learned from the rows.
    """

    trained_on: Sequence[str] | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class GivenModels:
    """The checkpoints of the command line: folders, hub-id@revision, or catalog:NAME."""

    base: str | None = None
    finetuned: str | None = None


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


@dataclass(slots=True)
class _Draft:
    """A suite while it is put together."""

    folder: Path
    base: Ability | None
    finetuned: Ability | None
    word: TrainingWord
    value: dict[str, Any] = field(default_factory=dict)
    comments: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def trained_here(self) -> bool:
        """Whether the fine-tuned model is trained by the suite."""
        return self.finetuned is None

    def gate(self, **rule: Any) -> None:
        """Adds a gate under a name of its own."""
        known = {other["id"] for other in self.value["gates"]}
        base = rule.pop("id")
        number = next(name for name in (base, *(f"{base}-{place}" for place in range(2, 99))) if name not in known)
        self.value["gates"].append({"id": number, **rule})


def initial_suite(
    out: Path,
    data: Sequence[DescribedData],
    models: GivenModels = GivenModels(),
    *,
    name: str | None = None,
    word: TrainingWord = TrainingWord(),
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
    draft = _Draft(out.parent, base, finetuned, word)
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
        _add_task(draft, described, labels, ask)
    _add_models(draft, models, data[0])
    _add_language(draft, data)
    _finish(draft, data, out)
    value = {key: part for key, part in draft.value.items() if part or key in ("seed",)}
    facts = [f"{described.path}: {described.sentence}" for described in data]
    for role, ability in (("base", base), ("finetuned", finetuned)):
        if ability is not None:
            facts.append(f"{role}: {_shown(ability)}")
    return InitialSuite(suite_text(value, draft.comments), tuple(facts), tuple(draft.notes))


def parted(name: str) -> tuple[str, str | None]:
    """`hub-id@revision` → both; a path stays whole."""
    path, at, revision = name.rpartition("@")
    return (path, revision) if at and not Path(name).exists() else (name, None)


def _shown(ability: Ability) -> str:
    parts = [f"{'an adapter on a ' if ability.adapter else ''}{ability.family} model"]
    if ability.labels:
        parts.append(f"head with the labels {', '.join(ability.labels[:_MOST_LABELS])}")
    if ability.tags:
        parts.append(f"head with the tags {', '.join(ability.tags[:_MOST_LABELS])}")
    if ability.spans:
        parts.append("head for answers within a text")
    parts.append("language model" if ability.language_model else "no language model")
    return "; ".join(parts)


def _add_data(draft: _Draft, described: DescribedData) -> None:
    splits: Any = described.splits or (
        _TRAINED_SPLITS if draft.trained_here else {"train": 0.3, "test": 0.7} if _counts(draft, described) else None
    )
    draft.value["data"][described.name] = {
        "file": _from_suite(described.path, draft.folder),
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


def _counts(draft: _Draft, described: DescribedData) -> bool:
    """Whether its heuristic needs training rows, and stands in for a base that cannot answer."""
    return _RULES.get(described.kind) in _COUNTED and not (draft.base and _tags_fit(draft.base, described))


def _add_task(draft: _Draft, described: DescribedData, labels: str | None, ask: Ask | None) -> None:
    """The task of a file, who answers it, and the gates that follow."""
    name, kind = described.name, described.kind
    if kind == "language_modeling":
        return
    options: dict[str, Any] = {"data": name, **described.options}
    reasons = {"base": _refusal(draft.base, described), "finetuned": _refusal(draft.finetuned, described)}
    if kind == "classification":
        _classify(draft, described, options, reasons, (labels, ask))
    elif draft.trained_here and kind in _UNTRAINED:
        raise SuiteError(
            f"{described.path} ({kind}): no stage learns to rank documents, and no fine-tuned model was given.",
            hint="pass --finetuned with a sentence encoder or a cross-encoder.",
        )
    elif draft.trained_here:
        reasons = {"base": reasons["base"], "finetuned": None}
    draft.value["tasks"][name] = {kind: options}
    if reasons["finetuned"] is not None:
        raise SuiteError(
            f"the fine-tuned model cannot answer {described.path} ({kind}): {reasons['finetuned']}.",
            hint="pass the checkpoint that was trained for this data, or name the columns with --text and --label.",
        )
    _add_gates(draft, described, reasons["base"] if draft.base is not None else "there is none")
    if draft.base is not None and reasons["base"] is not None:
        draft.notes.append(
            f"base cannot answer {name}: {reasons['base']}. Its gates stand against heuristic baselines and absolute "
            "limits."
        )
        draft.comments["tasks", name] = f"base cannot answer it: {reasons['base']}."


def _refusal(ability: Ability | None, described: DescribedData) -> str | None:
    """Why a model cannot be asked the question of a file; None where it can, or is not there."""
    kind = described.kind
    if ability is None or kind == "classification":
        return None
    if kind == "token_classification":
        return None if _tags_fit(ability, described) else _no_tags(ability, described)
    if kind == "question_answering":
        return None if ability.spans else "it has no head for answers within a text"
    if kind == "multilabel_classification":
        return None if ability.labels else "it has no head with labels"
    if kind == "multiple_choice":
        return None if ability.language_model else "it has no language model"
    if kind == "regression":
        vectors = "pair" in described.columns and ability.family in ("masked", "causal")
        return None if ability.numbers or vectors else "it has no head with one row"
    if kind in _WRITTEN:
        writes = ability.language_model and ability.family in ("causal", "seq2seq")
        return None if writes else "it cannot write text"
    return None


def _tags_fit(ability: Ability, described: DescribedData) -> bool:
    from harness.metrics.capability.span_f1 import PREFIXES

    if ability.tags is None or described.kind != "token_classification":
        return False
    known = {"O", *(f"{prefix}-{kind}" for kind in _types(ability) for prefix in _prefixes(described, PREFIXES))}
    return set(ability.tags) == known and set(described.options["types"]) <= set(_types(ability))


def _types(ability: Ability) -> list[str]:
    return sorted({tag[2:] for tag in ability.tags or () if tag[1:2] == "-"})


def _prefixes(described: DescribedData, prefixes: Mapping[Any, Sequence[str]]) -> Sequence[str]:
    return prefixes[described.options.get("scheme", "iob2")]


def _no_tags(ability: Ability, described: DescribedData) -> str:
    if ability.tags is None:
        return "it has no head for tags"
    return (
        f"its head has the tags {', '.join(ability.tags)}, the data the types {', '.join(described.options['types'])}"
    )


def _classify(
    draft: _Draft,
    described: DescribedData,
    options: dict[str, Any],
    reasons: dict[str, str | None],
    said: tuple[str | None, Ask | None],
) -> None:
    """Matches the heads with the data's labels, and fills in the options and who cannot answer."""
    fitted: LabelMap | None = None
    for role, ability in (("finetuned", draft.finetuned), ("base", draft.base)):
        if ability is None:
            continue
        if ability.labels is None:
            reasons[role] = "it has no head with labels" if ability.language_model else "it has no head and no cloze"
            continue
        if len(ability.labels) < len(described.labels):
            reasons[role] = f"its head has {len(ability.labels)} labels, the data {len(described.labels)}"
            continue
        matched = _matched(draft, described, role, ability.labels, said if role == "finetuned" else (None, None))
        if matched is None or not _agree(fitted, matched):
            reasons[role] = f"nothing says what its labels {', '.join(ability.labels)} mean"
        elif fitted is None or fitted.head_labels is None:
            fitted = matched if fitted is None or matched.head_labels else fitted
    if fitted is not None:
        _say_labels(draft, described, options, fitted)
    elif len(described.labels) <= _MOST_LABELS:
        options["labels"] = list(described.labels)
    if fitted is None and all(a is None or a.language_model for a in (draft.base, draft.finetuned)):
        _ask_by_words(draft, described, options, reasons)


def _matched(
    draft: _Draft, described: DescribedData, role: str, head: Sequence[str], said: tuple[str | None, Ask | None]
) -> LabelMap | None:
    given, ask = said
    matched = match_labels(head, described.labels, given)
    if matched is None and ask is not None:
        answer = ask(head, described.labels)
        matched = match_labels(head, described.labels, answer) if answer else None
    if matched is None and role == "finetuned":
        raise label_table(str(described.path), head, described.labels, "the fine-tuned model")
    return matched


def _agree(known: LabelMap | None, other: LabelMap) -> bool:
    """Whether one task can ask both heads: by the labels' own names, or by one table."""
    if known is None:
        return True
    same = set(known.labels) == set(other.labels)
    return same and (known.head_labels is None or other.head_labels in (None, known.head_labels))


def _say_labels(draft: _Draft, described: DescribedData, options: dict[str, Any], fitted: LabelMap) -> None:
    if len(fitted.labels) <= _MOST_LABELS or set(fitted.labels) != set(described.labels):
        options["labels"] = list(fitted.labels)
    if fitted.head_labels is None:
        return
    pairs = ", ".join(f"{head} is {label}" for head, label in fitted.head_labels.items())
    draft.notes.append(f"the rows of the head are matched {fitted.how}: {pairs}. Check it, or pass --labels.")
    unnamed_adapter = draft.finetuned is not None and draft.finetuned.adapter and not draft.finetuned.named
    if not unnamed_adapter:
        options["head_labels"] = dict(fitted.head_labels)


def _ask_by_words(
    draft: _Draft, described: DescribedData, options: dict[str, Any], reasons: dict[str, str | None]
) -> None:
    """Language models without a head are asked by a prompt whose gap the labels' own names fill."""
    if not all(re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+)*", label) for label in described.labels):
        if draft.finetuned is not None:
            reasons["finetuned"] = (
                f"it has no head, and the labels {', '.join(described.labels)} are no words that a prompt could ask for"
            )
        return
    if draft.finetuned is None:
        return
    options["cloze"] = {
        "template": "{text}\nLabel: {mask}" if draft.finetuned.family != "masked" else "{text} It is {mask} .",
        "words": {label: [label] for label in described.labels},
    }
    reasons["base"] = reasons["finetuned"] = None
    draft.comments["tasks", described.name, described.kind, "cloze"] = (
        "No model has a head for these labels: the gap is filled with their names. Choose words that fit the prompt."
    )


def _add_gates(draft: _Draft, described: DescribedData, base_refusal: str | None) -> None:
    """Gates of one task: against the base where it answers, else against a heuristic and an absolute limit."""
    name, kind = described.name, described.kind
    leading = _LEADING[kind]
    metric = f"{name}.{leading}"
    if base_refusal is None:
        draft.gate(id=f"{name}-better", metric=metric, kind="superiority")
    rule = _RULES.get(kind)
    if rule is not None and (base_refusal is not None or kind == "classification"):
        baseline = f"{rule}-{name}"
        if kind != "classification":
            draft.value["models"][baseline] = {"heuristic": {"task": name, "rule": rule}}
        compared = f"{name}.{_AGAINST_RULE.get(kind, leading)}"
        draft.gate(id=f"{name}-beats-{rule}", metric=compared, kind="superiority", baseline=baseline)
    if base_refusal is not None:
        limit = {"max" if leading.endswith("per_byte") else "min": _LEAST.get(leading, 0.5)}
        draft.gate(id=f"{name}-floor", metric=metric, kind="absolute", **limit)
        draft.comments["gates", f"{name}-floor"] = "The least that you accept: set it."
    if kind == "classification":
        draft.comments["gates", draft.value["gates"][0]["id"]] = (
            "Macro F1 counts every label alike: a model that always gives the most frequent one fails."
        )


def _add_models(draft: _Draft, models: GivenModels, first: DescribedData) -> None:
    learned: dict[str, Any] = {}
    if draft.word.trained_on is not None:
        learned = {"trained_on": [_from_suite(Path(file), draft.folder) for file in draft.word.trained_on]}
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
            f"{first.path} (regression): no model was given, and a bag of words learns labels alone.",
            hint="pass --base with the encoder that shall learn the numbers, or --finetuned with one that did.",
        )
    else:
        made["finetuned"] = {"classical": {"task": first.name}}
        draft.comments["models", "finetuned"] = (
            "No model was given: a bag of words is trained here. Put your own in its place: {load: FOLDER}."
        )
    draft.value["models"] = {**made, **heuristics}
    draft.value["compare"] = {"baseline": _baseline(draft, models, first), "candidates": ["finetuned"]}
    draft.value["compare"]["release"] = ["finetuned"]


def _finetuned(draft: _Draft, models: GivenModels) -> dict[str, Any]:
    assert models.finetuned is not None
    if draft.finetuned is None or not draft.finetuned.adapter or models.base is None:
        return _load(models.finetuned, draft.folder)
    name, revision = parted(models.finetuned)
    placed = {"adapter": _from_suite(Path(name), draft.folder) if Path(name).exists() else name}
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
    return {"load": _from_suite(Path(name), folder) if Path(name).exists() else name}


def _baseline(draft: _Draft, models: GivenModels, first: DescribedData) -> str:
    """The base where there is one; else a heuristic, which the suite then declares."""
    if models.base is not None:
        return "base"
    rule = _RULES.get(first.kind)
    if rule is None:
        raise SuiteError(
            f"{first.path} ({first.kind}) has no heuristic baseline, and no base was given: nothing could be compared.",
            hint="pass --base with the checkpoint that the fine-tuned model was trained from.",
        )
    name = f"{rule}-{first.name}"
    draft.value["models"][name] = {"heuristic": {"task": first.name, "rule": rule}}
    return name


def _add_language(draft: _Draft, data: Sequence[DescribedData]) -> None:
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


def _finish(draft: _Draft, data: Sequence[DescribedData], out: Path) -> None:
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


def _from_suite(file: Path, folder: Path) -> str:
    """A path of the command line as the suite writes it."""
    return str(file) if file.is_absolute() else os.path.relpath(file, folder)
