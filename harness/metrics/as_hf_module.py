"""Our metrics as modules of Hugging Face's evaluate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.errors import SuiteError
from harness.core.metric import MetricContext
from harness.core.records import Record, Records, RecordsHead
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of
from harness.metrics.capability.bleu_chrf_ter import translation_statistics
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.written_text import edit_similarity_of

MEASURES: Mapping[str, Callable[[str, Sequence[str]], dict[str, float]]] = {
    "squad_exact_match": lambda text, golds: {"squad_exact_match": exact_match_of(text, golds)},
    "squad_f1": lambda text, golds: {"squad_f1": answer_f1_of(text, golds)},
    "bleu": lambda text, golds: translation_statistics(text, golds, ["bleu"]),
    "chrf": lambda text, golds: translation_statistics(text, golds, ["chrf"]),
    "ter": lambda text, golds: translation_statistics(text, golds, ["ter"]),
    "edit_similarity": lambda text, golds: {"edit_similarity": max(edit_similarity_of(text, g) for g in golds)},
    **dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), rouge_statistics),
}
"""Our metrics of a text and its references, by name."""


def as_evaluate_module(name: str) -> Any:
    """One of `MEASURES` as a module of the `evaluate` library: `compute(predictions=[…], references=[[…], …])`.

    Raises:
        SuiteError: for another name.
    """
    import datasets
    import evaluate

    from harness.metrics.build_metrics import build_metrics

    if name not in MEASURES:
        raise SuiteError(
            f"{name!r} is not a metric of a text and its references.", hint=f"choose one of: {', '.join(MEASURES)}."
        )
    (metric,) = build_metrics([name], MetricContext())

    class Module(evaluate.Metric):  # type: ignore[misc]  # the library has no types
        def _info(self) -> Any:
            features = {
                "predictions": datasets.Value("string"),
                "references": datasets.Sequence(datasets.Value("string")),
            }
            return evaluate.MetricInfo(
                description=name, citation="", inputs_description="", features=datasets.Features(features)
            )

        def _compute(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
            rows = [
                Record(f"{place:09}", "", stats=MEASURES[name](text, golds))
                for place, (text, golds) in enumerate(zip(predictions, references, strict=True))
            ]
            stats = metric.stats(Records.of(RecordsHead(name, "", ""), rows))
            return {name: float(metric.value(stats.sum(axis=0), float(len(rows))))}

    return Module()
