"""Who was asked what: models, data, audits of data, evaluations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.schema.results.base import Result


class ModelResult(Result):
    """A contender of the suite.

    Attributes:
        role: `baseline`, `release` (gates judge it), `candidate` (shown), `control`.
        made_by: `pretrain`, `finetune`, `project`, `self_debias`, `classical`, `load`, `server`, …
        label: a few words for people: "full fine-tuning from base".
        implied_for: of a heuristic baseline that nobody declared: the one evaluation that it answers.
        training: goal, objective, data, tokens, items, steps, flops, parameters (total, trainable),
            checkpoint bytes, seed, final loss. No times.
    """

    name: str
    role: Literal["baseline", "release", "candidate", "control"]
    made_by: str
    label: str
    parent: str | None = None
    implied_for: str | None = None
    digest: str
    facts: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class MetricMeaning(Result):
    """What a metric is, for readers who do not know it by name.

    Attributes:
        label: in a few words; empty where the id has to do.
        short: its name in running text; empty where the id has to do.
        role: primary: it answers the evaluation's question. companion: it says whether the model can do the task
            at all, or what the instrument itself does. descriptive: it describes answers.
        aspect: whether it measures answers or the probabilities that stand with them.
    """

    label: str = ""
    short: str = ""
    unit: str
    fraction: bool = Field(False, description="whether the unit is a share of one, shown as percent")
    direction: Literal["higher", "lower", "target"]
    ideal: float | None = None
    role: Literal["primary", "companion", "descriptive"] = "primary"
    aspect: Literal["quality", "calibration"] = "quality"
    timed: bool = Field(False, description="whether it depends on the machine, and is another one each time")


class ItemMeasureResult(Result):
    """What the items of an evaluation are ordered by: its words, its unit, and which way is better.

    An item's value is the statistic of its record, over the sum of `per` and over `divisor`; `margin` is the
    record's margin.
    """

    statistic: str
    label: str
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    per: list[str] = Field(default_factory=list)
    divisor: float = 1.0
    empty: float | None = Field(None, description="the value where the sum of `per` is zero")


class UnknownTraining(Result):
    """Models of which nothing says whether they learned from the rows of an evaluation.

    Attributes:
        models: that were asked; a model counts that starts from such a one.
        sentence: that rows may have been trained on, and why.
        advice: the lines to add to the suite.
    """

    models: list[str]
    sentence: str
    advice: str


class EvaluationResult(Result):
    """A task or probe: what it asked of whom.

    Attributes:
        role: `cost`: what asking the models takes; its items are blocks of timings, and stand for no data.
        protocols: model → how it was asked; models that cannot be asked are in `skipped`.
        skipped: model → why.
        coverage: model → share of items with status ok; of several training seeds the smallest.
        counts: model → {ok, unread, failed, skipped, tied, truncated, overlap, empty, no_gold}; `empty` are
            written texts without a word, `no_gold` items without a right answer where others have one.
        slice_counts: probes only; model → slice → {n, ok, unread, failed, skipped, tied}.
        comparability: notes on what differs between models (tokenizer, protocol, length).
    """

    name: str
    role: Literal["task", "probe", "cost"]
    kind: str
    summary: str
    data: list[str]
    split: str
    n: int
    clusters: dict[str, int] = Field(default_factory=dict)
    cluster_unit: str | None = Field(None, description="the unit of independence: which of `clusters` is drawn")
    labels: list[str] = Field(default_factory=list)
    protocols: dict[str, str] = Field(default_factory=dict)
    protocol_digests: dict[str, str] = Field(
        default_factory=dict,
        description="model → digest of how it was asked: prompt, template, words, stop rules, filters, scorer",
    )
    skipped: dict[str, str] = Field(default_factory=dict)
    coverage: dict[str, float] = Field(default_factory=dict)
    seeds: dict[str, int] = Field(default_factory=dict, description="model → training seeds that the suite asks for")
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    balance: dict[str, int] = Field(
        default_factory=dict, description="label → items that have it, of tasks with labels"
    )
    slice_counts: dict[str, dict[str, dict[str, int]]] = Field(default_factory=dict)
    comparability: list[str] = Field(default_factory=list)
    caveats: list[str] = Field(default_factory=list)
    metrics: list[str] = Field(default_factory=list, description="metric names; the first is the leading metric")
    meanings: dict[str, MetricMeaning] = Field(default_factory=dict, description="metric id → what it is")
    item_measures: list[ItemMeasureResult] = Field(
        default_factory=list, description="what items are ordered by: the first one whose statistic a record has"
    )
    scorer: str | None = None
    baseline: str = Field("", description="the model that this evaluation measures gains against")
    baseline_reason: str | None = Field(None, description="reason: the best variant of the base on validation data")
    unknown_training: UnknownTraining | None = Field(
        None, description="models that may have been trained on its rows; their gates cannot pass"
    )


class DataResult(Result):
    """A dataset that the run used: size, license, where it came from, overlap with training."""

    name: str
    fingerprint: str
    rows: dict[str, int]
    clusters: dict[str, int] = Field(default_factory=dict)
    license: str | None = None
    citation: str | None = None
    source: str | None = None
    digests: dict[str, str] = Field(default_factory=dict)
    caveats: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    left_out: dict[str, int] = Field(
        default_factory=dict, description="split → rows left out for all models: a compared model was trained on them"
    )


class AuditResult(Result):
    """What a data set says of groups of people, by one lexicon: counts with intervals, and examples.

    Attributes:
        title: for people.
        purpose: `pretraining`, `fine-tuning`, `evaluation`, or why else it was audited.
        lexicon: whose words tell the groups.
        texts, texts_with_a_group: rows, and rows that hold a word of any group.
        groups: rows of group, texts, share, low, high (of all texts), words.
        labels: rows of group, label, texts, of, share, low, high; `(all)` is every text.
        co_occurrence: rows of word, kind, group, sentences, of, share, low, high: of the sentences with
            the word and a word of any group, how many hold the group; base_rate is the group's share of all
            sentences with a group, lift the share over it.
        rate_tests: rows of label, group, other, share, other_share, difference, n, other_n, test, p, p_adjusted.
        quality: rows, empty, duplicates, contradictory_duplicates, missing_labels, labels, language, foreign, personal.
        examples: rows of group and text.
    """

    title: str
    data: str
    split: str
    purpose: str
    lexicon: str
    texts: int
    texts_with_a_group: int
    groups: list[dict[str, Any]] = Field(default_factory=list)
    labels: list[dict[str, Any]] = Field(default_factory=list)
    co_occurrence: list[dict[str, Any]] = Field(default_factory=list)
    rate_tests: list[dict[str, Any]] = Field(default_factory=list)
    quality: dict[str, Any] = Field(default_factory=dict)
    examples: list[dict[str, str]] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
