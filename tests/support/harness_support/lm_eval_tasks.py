"""Tasks of the installed lm-evaluation-harness, asked and scored by harness and by lm-eval on one model and documents.

`PYTHONPATH=tests/support python -m harness_support.lm_eval_tasks` prints the table of docs/lm-eval.md.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.core.evaluation import EvaluationContext, Item
from harness.core.model import Model
from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.data.sources import lm_eval_index, lm_eval_package
from harness.evaluations.lm_eval.package_figures import figures_of
from harness.evaluations.lm_eval.package_task import LmEvalPackageTask
from harness.metrics.build_metrics import build_metrics
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.storage.store import Store
from harness_support.lm_eval_documents import DOCUMENTS, write_documents
from harness_support.model_zoo import language_model

SHOTS = {"hellaswag": 3, "arc_challenge": 2, "rte": 4, "boolq": 1, "wmt16-en-de": 2}


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """One task as both tools see it.

    Attributes:
        documents: how many were asked.
        figures: (name in lm-eval, ours, lm-eval's) of every figure.
        largest: the largest difference of one log-likelihood, in nats; None where texts are generated.
        seconds: that harness took to read, ask, and score the task, and that lm-eval took.
    """

    task: str
    documents: int
    figures: tuple[tuple[str, float, float], ...]
    largest: float | None
    seconds: tuple[float, float]


def local_model(folder: Path) -> tuple[Model, Any]:
    """One small causal model, opened by harness and by lm-eval."""
    from lm_eval.models.huggingface import HFLM

    saved = language_model("gpt2", folder, seed=3, length=4096)
    ours = open_model(saved, OpenContext(resolve=Path, responses=None, device="cpu"))
    return ours, HFLM(pretrained=str(saved), batch_size=4, device="cpu", dtype="float32")


def build(folder: Path, task: str, **options: Any) -> tuple[LmEvalPackageTask, list[Item]]:
    given = LmEvalPackageTask.prepared({"task": task, **options}, folder)
    made = LmEvalPackageTask.Options.model_validate(given)
    (ref,) = LmEvalPackageTask.data_names(made)
    data = open_dataset(ref, name="d", base=folder, store=Store(folder / "cache"), reporter=Silent())
    evaluation = LmEvalPackageTask("t", made, EvaluationContext())
    return evaluation, list(evaluation.items([data], "test"))


def records_of(evaluation: LmEvalPackageTask, items: Sequence[Item], model: Model) -> tuple[list[Record], Records]:
    protocol = evaluation.protocol(model.facts)
    assert protocol is not None
    asked = [evaluation.requests(item, protocol) for item in items]
    answers = dict(model.answer(list(dict.fromkeys(request for requests in asked for request in requests))))
    made = [
        evaluation.record(item, protocol, [answers[request] for request in requests])
        for item, requests in zip(items, asked, strict=True)
    ]
    return made, Records.of(RecordsHead("t", "m", protocol), made)


def figures(evaluation: LmEvalPackageTask, records: Records) -> dict[str, float]:
    values: dict[str, float] = {}
    for metric in build_metrics(evaluation.options.metrics or (), evaluation.metric_context()):
        if metric.kind == "recompute":
            values[metric.id] = metric.recompute(records)
            continue
        stats = metric.stats(records)
        stats = stats[~(stats != stats).all(axis=1)]
        values[metric.id] = float(metric.value(stats.sum(axis=0), len(stats)))
    return values


def by_lm_eval(peer: Any, folder: Path, task: str, files: Mapping[str, str], shots: int | None) -> dict[str, Any]:
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    asked = lm_eval_package.asked_task({"name": task, "documents": files}, folder)
    tasks = lm_eval_index.package_folder() / "tasks"
    manager = TaskManager(
        include_defaults=False, include_path=[str(tasks / part) for part in lm_eval_index.folders_of(task)]
    )
    with lm_eval_index.quiet():
        results: dict[str, Any] = simple_evaluate(
            model=peer,
            tasks=[lm_eval_package.task_spec(asked)],
            num_fewshot=shots,
            task_manager=manager,
            bootstrap_iters=0,
        )
    return results


def compare_task(task: str, folder: Path, model: Model, peer: Any) -> TaskComparison:
    """Asks and scores one task with both tools.

    Raises:
        AssertionError: when a prompt or a generated text differs, or a log-likelihood by more than 1e-4 + 2e-6·|ll|.
    """
    files, shots = write_documents(folder, task), SHOTS.get(task)
    started = time.perf_counter()
    evaluation, items = build(folder, task, documents=files, num_fewshot=shots)
    made, records = records_of(evaluation, items, model)
    ours = figures(evaluation, records)
    between = time.perf_counter()
    reference = by_lm_eval(peer, folder, task, files, shots)
    seconds = (between - started, time.perf_counter() - between)
    assert {record.status for record in made} == {"ok"}
    samples = reference["samples"][task]
    chosen = samples[0]["filter"]
    samples = {sample["doc_id"]: sample for sample in samples if sample["filter"] == chosen}
    assert len(samples) == len(items)
    differences: list[float] = []
    for item, record in zip(items, made, strict=True):
        sample = samples[item.payload["doc_id"]]
        asked = [[*arguments] for _, arguments in item.payload["requests"]]
        assert json.loads(json.dumps(asked)) == json.loads(json.dumps([list(each) for each in sample["arguments"]]))
        if "generated" in record.response:
            assert record.response["generated"] == sample["resps"][0][0]
            continue
        values = record.response.get("log_likelihoods") or [record.response["log_likelihood"]]
        for value, response in zip(values, sample["resps"], strict=True):
            answer = response[0]
            likelihood = float(answer[0] if isinstance(answer, list | tuple) else answer)
            assert abs(value - likelihood) <= 1e-4 + 2e-6 * abs(likelihood)
            differences.append(abs(value - likelihood))
    rows = tuple(
        (figure.key, ours[figure.metric], float(reference["results"][task][f"{figure.key},{chosen}"]))
        for figure in figures_of(task)
    )
    return TaskComparison(task, len(items), rows, max(differences, default=None), seconds)


def check_task(task: str, folder: Path, model: Model, peer: Any) -> None:
    """Prompts, answers, and figures of one task are lm-eval's."""
    for name, ours, theirs in compare_task(task, folder, model, peer).figures:
        assert ours == pytest.approx(theirs, rel=2e-4 if "perplexity" in name else 1e-6), name


def table() -> str:
    """Every task of DOCUMENTS as a Markdown table."""
    lines = [
        "| task | documents | figure | harness | lm-eval | largest difference, nats | seconds, harness | lm-eval |",
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        model, peer = local_model(Path(temporary) / "model")
        lm_eval_index.leaf_tasks("boolq")  # the package's files are listed once in a process: no task's own time
        for number, task in enumerate(sorted(DOCUMENTS)):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            row = compare_task(task, folder, model, peer)
            columns = [", ".join(names) for names in zip(*_figures(row), strict=True)]
            largest = "equal texts" if row.largest is None else f"{row.largest:.1e}"
            cells = [f"`{task}`", str(row.documents), *columns, largest, *(f"{each:.1f}" for each in row.seconds)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(row: TaskComparison) -> list[tuple[str, str, str]]:
    return [(name, f"{ours:.6g}", f"{theirs:.6g}") for name, ours, theirs in row.figures]


if __name__ == "__main__":
    print(table())  # noqa: T201 the table is what the command is for
