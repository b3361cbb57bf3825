"""The task of a user's file: who can answer it, what the rows of a head mean, and the gates that can judge it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.commands.new_suites.described_data import DescribedData
from harness.commands.new_suites.head_labels import LabelMap, label_table, match_labels
from harness.commands.new_suites.suite_draft import HEURISTICS, MOST_LABELS, Ask, Draft
from harness.core.errors import SuiteError
from harness.pipeline.checkpoints.named_checkpoints import Ability

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
_AGAINST_RULE = {"regression": "mae"}
"""Task → the metric by which a model is compared with its heuristic, where the leading one has no value for that."""
_UNTRAINED = ("retrieval", "reranking")
"""Tasks that no stage learns."""
_WRITTEN = ("generative_qa", "translation", "summarization", "text_generation")


def add_task(draft: Draft, described: DescribedData, labels: str | None, ask: Ask | None) -> None:
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
        return None if tags_fit(ability, described) else _no_tags(ability, described)
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


def tags_fit(ability: Ability, described: DescribedData) -> bool:
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
    draft: Draft,
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
    elif len(described.labels) <= MOST_LABELS:
        options["labels"] = list(described.labels)
    if fitted is None and all(a is None or a.language_model for a in (draft.base, draft.finetuned)):
        _ask_by_words(draft, described, options, reasons)


def _matched(
    draft: Draft, described: DescribedData, role: str, head: Sequence[str], said: tuple[str | None, Ask | None]
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


def _say_labels(draft: Draft, described: DescribedData, options: dict[str, Any], fitted: LabelMap) -> None:
    if len(fitted.labels) <= MOST_LABELS or set(fitted.labels) != set(described.labels):
        options["labels"] = list(fitted.labels)
    if fitted.head_labels is None:
        return
    pairs = ", ".join(f"{head} is {label}" for head, label in fitted.head_labels.items())
    draft.notes.append(f"the rows of the head are matched {fitted.how}: {pairs}. Check it, or pass --labels.")
    unnamed_adapter = draft.finetuned is not None and draft.finetuned.adapter and not draft.finetuned.named
    if not unnamed_adapter:
        options["head_labels"] = dict(fitted.head_labels)


def _ask_by_words(
    draft: Draft, described: DescribedData, options: dict[str, Any], reasons: dict[str, str | None]
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


def _add_gates(draft: Draft, described: DescribedData, base_refusal: str | None) -> None:
    """Gates of one task: against the base where it answers, else against a heuristic and an absolute limit."""
    name, kind = described.name, described.kind
    leading = _LEADING[kind]
    metric = f"{name}.{leading}"
    if base_refusal is None:
        draft.gate(id=f"{name}-better", metric=metric, kind="superiority")
    rule = HEURISTICS.get(kind)
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
