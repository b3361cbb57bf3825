"""lm-eval's names of metrics, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.errors import SuiteError
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS

METRICS: Mapping[str, Mapping[str, str]] = {
    "multiple_choice": {
        "acc": "acc",
        "acc_norm": "acc_norm_chars",
        "acc_bytes": "acc_norm_bytes",
        "acc_mutual_info": "acc_mutual_info",
        "f1": "f1_binary",
        "brier_score": "brier",
    },
    "loglikelihood": {"acc": "greedy_match", "perplexity": "target_perplexity"},
    "loglikelihood_rolling": {
        "word_perplexity": "word_perplexity",
        "byte_perplexity": "byte_perplexity",
        "bits_per_byte": "bits_per_byte",
    },
    "generate_until": {"exact_match": "exact_match_strict", **{name: name for name in CORPUS}},
}
"""lm-eval's name of a metric → ours, by output type."""


def metrics_of(task: Mapping[str, Any]) -> list[str]:
    from harness.evaluations.lm_eval.task_file import check_metric

    known = METRICS[str(task["output_type"])]
    listed = task.get("metric_list") or [{"metric": name} for name in list(known)[:1]]
    names = [str(metric.get("metric")) if isinstance(metric, Mapping) else str(metric) for metric in listed]
    for name, entry in zip(names, listed, strict=True):
        if isinstance(entry, Mapping):
            check_metric(entry, name)
        if name not in known:
            raise SuiteError(
                f"lm-eval's metric {name!r} of {task['output_type']} tasks is not supported; known: "
                f"{', '.join(known)}.",
                hint="list the harness metrics you want in `metrics`.",
            )
    return list(dict.fromkeys(known[name] for name in names))
