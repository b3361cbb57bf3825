"""What the results file beside a log of lm-eval says of a task: how it was asked, its metrics, its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.evaluations.lm_eval.task_file import FILES_OWN_KEYS

_LOWER = frozenset({"ter", "wer", "cer", "brier_score", "loss", "mse", "mae", "nll", "perplexity", "toxicity"})
_AGGREGATIONS = frozenset(
    {
        *("mean", "nanmean", "median", "perplexity", "weighted_perplexity", "bits_per_byte", "f1"),
        *("matthews_corrcoef", "bleu", "chrf", "chrf++", "ter", "brier_score"),
    }
)


@dataclass(frozen=True, slots=True)
class LoggedTask:
    """One task of one results file; everything is unknown where there is none.

    Attributes:
        delimiter: what stands before a choice, where it is known.
        metrics: lm-eval's metric → its options; None where the file does not list them.
        code: whether figures come from code of the task, so that their names do not say what they are.
        totals: lm-eval's figures over all documents, with the filter: `acc,none`.
        higher: metric → whether more is better.
    """

    delimiter: str | None = None
    metrics: Mapping[str, Mapping[str, Any]] | None = None
    code: bool = False
    totals: Mapping[str, float] = field(default_factory=dict)
    higher: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Mapping[str, Any], name: str) -> LoggedTask:
        """What a results file says of a task, by lm-eval's name."""
        config, results, higher = (_part(page, key, name) for key in ("configs", "results", "higher_is_better"))
        listed = config.get("metric_list")
        entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
        delimiter = config.get("target_delimiter")
        return cls(
            # With a chat template nothing stands before a choice, whatever the task says.
            delimiter if isinstance(delimiter, str) and not page.get("chat_template_sha") else None,
            {str(entry.get("metric")): dict(entry) for entry in entries} if isinstance(listed, list) else None,
            bool(config) and (bool(config.get("process_results")) or not isinstance(listed, list)),
            {key: float(value) for key, value in results.items() if is_number(value)},
            {key: value for key, value in higher.items() if isinstance(value, bool)},
        )

    def states(self, figure: str) -> bool:
        """Whether a figure is known to be lm-eval's own of that name, with options that are carried out."""
        return not self.code and self.metrics is not None and figure in self.metrics

    def options(self, figure: str) -> dict[str, Any]:
        """What a metric of the task is given, beside its name, aggregation and direction."""
        entry = (self.metrics or {}).get(figure, {})
        return {key: value for key, value in entry.items() if key not in FILES_OWN_KEYS}

    def aggregation(self, figure: str) -> str | None:
        """How lm-eval aggregates a figure: its own way for `""`, None where code of the task does."""
        name = str((self.metrics or {}).get(figure, {}).get("aggregation", ""))
        return name if not name or name in _AGGREGATIONS else None

    def total(self, figure: str, chosen: str | None = None) -> float | None:
        """lm-eval's figure over all documents, by one filter or by any; None where the file has none."""
        names = (key.partition(",") for key in self.totals)
        keys = [",".join((name, by)) if comma else name for name, comma, by in names if name == figure]
        fitting = [key for key in keys if chosen is None or key == f"{figure},{chosen}"]
        return self.totals[fitting[0]] if fitting else None

    def better(self, figure: str) -> str:
        """Whether a figure is better `higher` or `lower`."""
        known = self.higher.get(figure, (self.metrics or {}).get(figure, {}).get("higher_is_better"))
        if isinstance(known, bool):
            return "higher" if known else "lower"
        return "lower" if figure in _LOWER or figure.endswith("perplexity") else "higher"


UNKNOWN = LoggedTask()


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number or a truth value, which lm-eval averages alike."""
    return isinstance(value, int | float)


def listed_texts(target: str) -> list[str] | None:
    """The texts of a list that lm-eval wrote as text (`['a', 'b']`); None for another text."""
    import ast

    if not target.startswith("["):
        return None
    try:
        value = json.loads(target) if target.startswith('["') else ast.literal_eval(target)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return [str(part) for part in value] if isinstance(value, list) and value else None


def _part(page: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    tasks = page.get(key)
    part = tasks.get(name) if isinstance(tasks, Mapping) else None
    return part if isinstance(part, Mapping) else {}
