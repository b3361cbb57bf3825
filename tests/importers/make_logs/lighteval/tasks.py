"""Tasks of lighteval over rows that `rows.py` writes: answers, choices, several answers, and a corpus metric."""

import os

from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

OLD = not hasattr(Doc, "sampling_methods")


def sums(line, task_name=None):
    return Doc(task_name=task_name, query=line["question"], choices=[line["answer"]], gold_index=0)


def choices(line, task_name=None):
    return Doc(task_name=task_name, query=line["question"], choices=line["choices"], gold_index=line["gold"])


def task(name, prompt, metrics, **options):
    listed = {"metric" if OLD else "metrics": metrics, **({"suite": ["community"]} if OLD else {})}
    return LightevalTaskConfig(
        name=name,
        prompt_function=prompt,
        hf_repo=os.environ["ROWS"],
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        generation_size=8,
        stop_sequence=["\n"],
        **listed,
        **options,
    )


if OLD:
    TASKS_TABLE = [
        task("sums:written", sums, [Metrics.exact_match, Metrics.f1_score]),
        task("sums:chosen", choices, [Metrics.loglikelihood_acc, Metrics.loglikelihood_acc_norm]),
        task("sums:single", choices, [Metrics.loglikelihood_acc_single_token]),
    ]
else:
    from lighteval.metrics.metrics_sample import AvgAtN, PassAtK
    from lighteval.metrics.utils.metric_utils import SampleLevelMetric
    from lighteval.tasks.requests import SamplingMethod

    def several(name, function):
        import numpy as np

        return SampleLevelMetric(
            metric_name=name,
            sample_level_fn=function,
            category=SamplingMethod.GENERATIVE,
            corpus_level_fn=np.mean,
            higher_is_better=True,
        )

    TASKS_TABLE = [
        task("sums:written", sums, [Metrics.exact_match, Metrics.f1_score, Metrics.bleu]),
        task("sums:chosen", choices, [Metrics.loglikelihood_acc, Metrics.mcc, Metrics.exact_match]),
        task("sums:several", sums, [several("avg@n:n=3", AvgAtN(n=3, strip_strings=True))]),
        task("sums:passed", sums, [several("pass@k:k=2&n=3", PassAtK(k=2, n=3, strip_strings=True))]),
    ]
