"""Tasks of the installed lm-evaluation-harness against lm-eval itself, on one model and the same documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness_support.lm_eval_documents import ANIMALS, DOCUMENTS, PLACES, write_documents
from harness_support.lm_eval_tasks import build, by_lm_eval, check_task, figures, local_model, records_of

from harness.core.errors import DataError, SuiteError
from harness.core.model import Model, ModelFacts
from harness.core.requests import Continuations, Generate, Generated, Scores
from harness.data.sources import lm_eval_configs, lm_eval_index

QUICK = ("winogrande", "truthfulqa_mc2", "lambada_openai", "wikitext", "gsm8k", "cb")
"""Choices in the context, code that scores, greedy decoding, whole documents, filters, code that aggregates."""
CAUSAL = ModelFacts(
    "d", "causal", "causal", None, chat=True, supports=frozenset({"continuations", "rolling_likelihood", "generate"})
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Any]:
    pytest.importorskip("lm_eval.models.huggingface")
    return local_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(both: tuple[Model, Any]) -> Model:
    return both[0]


@pytest.fixture(scope="module")
def peer(both: tuple[Model, Any]) -> Any:
    return both[1]


@pytest.mark.parametrize("task", QUICK)
def test_a_task_is_asked_and_scored_as_by_lm_eval(task: str, tmp_path: Path, model: Model, peer: Any) -> None:
    check_task(task, tmp_path, model, peer)


@pytest.mark.slow
@pytest.mark.parametrize("task", sorted(set(DOCUMENTS) - set(QUICK)))
def test_every_other_task_is_asked_and_scored_as_by_lm_eval(task: str, tmp_path: Path, model: Model, peer: Any) -> None:
    check_task(task, tmp_path, model, peer)


def test_at_least_forty_tasks_are_compared() -> None:
    assert len(DOCUMENTS) >= 40


def test_choices_of_one_context_are_one_request(tmp_path: Path) -> None:
    evaluation, items = build(tmp_path, "arc_challenge", documents=write_documents(tmp_path, "arc_challenge"))
    (request,) = evaluation.requests(items[0], "continuations")
    assert isinstance(request, Continuations)
    assert len(request.options) == 4


def test_greedy_decoding_is_asked_where_the_scoring_reads_it(tmp_path: Path) -> None:
    """LAMBADA's accuracy does; choices by likelihood do not, whoever scores them."""
    for task, expected in (("lambada_openai", 1), ("truthfulqa_mc2", 0), ("webqs", 2)):
        evaluation, items = build(tmp_path, task, documents=write_documents(tmp_path, task))
        requests = evaluation.requests(items[0], "continuations")
        assert sum(isinstance(request, Generate) for request in requests) == expected


def test_repeats_are_draws_of_their_own_and_the_filter_decides(tmp_path: Path) -> None:
    """64 samples for a majority vote; a run may choose another of the task's filters."""
    files = write_documents(tmp_path, "gsm8k")
    name = "gsm8k_cot_self_consistency"
    evaluation, items = build(tmp_path, name, documents={"test": files["test"]}, filter="maj@8")
    requests = evaluation.requests(items[0], "generation")
    draws = [request.sample for request in requests if isinstance(request, Generate)]
    assert draws == list(range(64))
    right = items[0].target
    answers = [Generated(f"The answer is {right if place in (1, 3, 4, 5, 7) else 7}.", 5, "end") for place in draws]
    assert evaluation.record(items[0], "generation", answers).stats["exact_match_strict"] == 1.0
    first, _ = build(tmp_path, name, documents={"test": files["test"]})
    assert first.record(items[0], "generation", answers).stats["exact_match_strict"] == 0.0
    other, _ = build(tmp_path, name, documents={"test": files["test"]}, filter="maj@9")
    with pytest.raises(SuiteError, match="unknown filter"):
        other.record(items[0], "generation", answers)


def test_a_greedy_answer_is_asked_once_however_often_it_counts(tmp_path: Path) -> None:
    evaluation, items = build(tmp_path, "gsm8k", documents=write_documents(tmp_path, "gsm8k"))
    assert len(evaluation.requests(items[0], "generation")) == 1


def test_conversations_are_written_by_the_model_that_is_asked(tmp_path: Path) -> None:
    files = write_documents(tmp_path, "arc_challenge")
    evaluation, items = build(tmp_path, "arc_challenge", documents=files, chat=True, num_fewshot=1, system="Be brief.")
    (request,) = evaluation.requests(items[0], "continuations")
    assert isinstance(request, Continuations)
    assert [turn[0] for turn in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[0][1] == "Be brief."
    assert request.form.as_text, "an option stands behind the prompt as lm-eval has it, in no turn of its own"
    assert request.context == ""
    one, items = build(tmp_path, "arc_challenge", documents=files, chat=True, num_fewshot=1, multiturn=False)
    (request,) = one.requests(items[0], "continuations")
    assert isinstance(request, Continuations)
    assert [turn[0] for turn in request.messages] == ["user"]
    assert evaluation.protocol(CAUSAL) == "continuations"
    assert evaluation.protocol(ModelFacts("d", "causal", "causal", None)) is None
    server = replace(CAUSAL, chat_likelihoods=False)
    assert evaluation.protocol(server) is None
    assert "does not say how likely an answer is after messages" in evaluation.unsupported(server)


def test_members_of_a_group_are_slices(tmp_path: Path) -> None:
    """The pooled figure counts documents, as lm-eval's group figure does."""
    for task in ("anatomy", "astronomy"):
        rows = [json.dumps(DOCUMENTS["mmlu_anatomy"][1](number)) for number in range(7)]
        (tmp_path / f"mmlu_{task}.jsonl").write_text("\n".join(rows) + "\n")
    names = [name for name in lm_eval_index.leaf_tasks("mmlu_stem") if name in ("mmlu_anatomy", "mmlu_astronomy")]
    assert names == ["mmlu_anatomy", "mmlu_astronomy"] or names == ["mmlu_astronomy", "mmlu_anatomy"]
    for name in lm_eval_index.leaf_tasks("mmlu_stem"):
        (tmp_path / f"{name}.jsonl").write_text((tmp_path / "mmlu_anatomy.jsonl").read_text())
    evaluation, items = build(tmp_path, "mmlu_stem", documents={"test": "{task}.jsonl", "dev": "{task}.jsonl"})
    slices = {item.slices for item in items}
    assert len(slices) == len(lm_eval_index.leaf_tasks("mmlu_stem")) > 10
    assert ("task=mmlu_anatomy",) in slices
    assert evaluation.options.metrics == ["acc"]


def test_tasks_of_a_group_count_alike_where_the_group_says_so(tmp_path: Path, model: Model, peer: Any) -> None:
    """lm-eval's figure of the group, with members of unequal sizes; `acc` counts documents."""
    leaves = lm_eval_index.leaf_tasks("bhs_basque")
    for place, name in enumerate(leaves):
        ends = [(f" is {PLACES[n % 5]}", " are")[:: 1 if (n + place) % 3 else -1] for n in range(2 + 3 * place)]
        rows = [
            {"context": f"The {ANIMALS[n % 12]}", "ending_good": good, "ending_bad": bad}
            for n, (good, bad) in enumerate(ends)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = {"test": "{task}.jsonl"}
    evaluation, items = build(tmp_path, "bhs_basque", documents=files)
    assert evaluation.options.metrics[:2] == ["by_lm_eval[bhs_basque:acc]", "acc"]
    _, records = records_of(evaluation, items, model)
    values = figures(evaluation, records)
    reference = by_lm_eval(peer, tmp_path, "bhs_basque", files, None)
    metrics = pytest.importorskip("lm_eval.api.metrics")
    each, sizes = [reference["results"][name]["acc,none"] for name in leaves], [2 + 3 * n for n in range(len(leaves))]
    assert values["by_lm_eval[bhs_basque:acc]"] == pytest.approx(metrics.aggregate_subtask_metrics(each, sizes, False))
    assert values["acc"] == pytest.approx(metrics.aggregate_subtask_metrics(each, sizes, True))
    assert values["by_lm_eval[bhs_basque:acc]"] != pytest.approx(values["acc"])


def test_documents_that_belong_together_are_one_unit(tmp_path: Path) -> None:
    files = write_documents(tmp_path, "boolq")
    _, items = build(tmp_path, "boolq", documents=files, cluster="question")
    assert len({item.clusters["parent"] for item in items}) == 1
    with pytest.raises(DataError, match=r"no column 'story' for `cluster`; they have"):
        build(tmp_path, "boolq", documents=files, cluster="story")


def test_the_digest_covers_the_task_and_its_code() -> None:
    assert lm_eval_configs.code_digest("hellaswag") != lm_eval_configs.code_digest("winogrande")
    assert lm_eval_configs.code_digest("arc_easy") == lm_eval_configs.code_digest("arc_challenge")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"task": "helaswag"}, "no task, group or tag 'helaswag' among its .* Did you mean 'hellaswag'"),
        ({"task": 3}, "set `task` to the name of a task"),
        ({"task": "openllm"}, "ask in different ways"),
        ({"task": "humaneval", "documents": {"test": "x.jsonl"}}, "runs code that the model wrote"),
        ({"task": "squadv2", "documents": {"train": "x.jsonl"}}, "reads its own data set"),
        ({"task": "boolq", "documents": {"validation": "none.jsonl"}}, "does not exist"),
        ({"task": "boolq", "documents": {"validation": "x.xml"}}, "expected a file that ends in"),
    ],
)
def test_what_cannot_be_asked_is_said(options: dict[str, Any], expected: str, tmp_path: Path) -> None:
    for name in ("x.jsonl", "x.xml"):
        (tmp_path / name).write_text('{"prompt": "a", "test": "b", "entry_point": "c", "canonical_solution": "d"}\n')
    given = dict(options)
    with pytest.raises((SuiteError, DataError), match=expected):
        build(tmp_path, given.pop("task"), **given)


def test_a_folder_is_not_taken_for_a_hub_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "allenai" / "sciq").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="there is a local folder of that name"):
        build(tmp_path, "sciq")


def test_code_of_the_suites_folder_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evaluate.load("bleu")`, which the code of MeQSum calls, prefers a folder `bleu` that stands where it runs."""
    (tmp_path / "bleu").mkdir()
    (tmp_path / "bleu" / "bleu.py").write_text("raise SystemExit('this code ran')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SuiteError, match=r"'meqsum' .* fetches the code of the metric 'bleu' of `evaluate`"):
        build(tmp_path, "meqsum")


def test_a_document_that_the_code_cannot_score_names_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation, items = build(tmp_path, "truthfulqa_mc2", documents=write_documents(tmp_path, "truthfulqa_mc2"))

    def fails(*_: Any) -> Any:
        raise KeyError("labels")

    loaded = evaluation.loaded(items[0].payload["task"])
    monkeypatch.setattr(loaded.task, "process_results", fails)
    with pytest.raises(DataError, match="code of the task 'truthfulqa_mc2' cannot score the document 0: KeyError"):
        evaluation.record(items[0], "continuations", [Scores((-1.0, -2.0, -3.0, -4.0))])
