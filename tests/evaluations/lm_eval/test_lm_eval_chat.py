"""lm-evaluation-harness's tasks through chat templates: what lm-eval read, and what plain transformers make of that.

`benchmarks/lm_eval_chat.py` compares the figures themselves with lm-eval's.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harness_support import lm_eval_chat
from harness_support.lm_eval_chat import TASKS, TEMPLATES
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from harness.core.errors import SuiteError
from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

FIXTURE = Path(__file__).parents[2] / "fixtures" / "lm_eval_chat.json"
DOCUMENTS = 2


def likelihood(network: LlamaForCausalLM, context: list[int], answer: list[int]) -> float:
    with torch.no_grad():
        logits = network(input_ids=torch.tensor([[*context, *answer]])).logits[0].double().log_softmax(-1)
    rows = range(len(context) - 1, len(context) + len(answer) - 1)
    return sum(float(logits[row, token]) for row, token in zip(rows, answer, strict=True))


def written(network: LlamaForCausalLM, tokenizer: AutoTokenizer, context: list[int], until: str, think: str) -> str:
    """lm-eval's own way: greedy, ended by the stop string, thoughts cut off first."""
    ids = list(context)
    for _ in range(24):
        with torch.no_grad():
            token = int(network(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        ids.append(token)
        if token == tokenizer.eos_token_id or until in tokenizer.decode(ids[len(context) :], skip_special_tokens=True):
            break
    text = tokenizer.decode(ids[len(context) :], skip_special_tokens=True)
    return (text.split(think)[-1].lstrip() if think else text).split(until)[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_tasks_read_and_score_what_lm_eval_does(tmp_path: Path, name: str) -> None:
    lm_eval_chat.write_documents(tmp_path, DOCUMENTS)
    folder = lm_eval_chat.model_folder(tmp_path / "model", TEMPLATES[name])
    network, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    model = open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu"))
    for task_name, read in json.loads(FIXTURE.read_text("utf-8"))[name].items():
        task, options = TASKS[task_name]
        answers = lm_eval_chat.ours(tmp_path, model, task, options)
        rows = [[lm_eval_chat.ids_of(tokenizer, text) for text in pair] for pair in read]
        if task["output_type"] == "generate_until":
            until = task["generation_kwargs"]["until"][0]
            think = options.get("think_end_token", "")
            expected = [written(network, tokenizer, context, until, think) for context, _ in rows]
            assert sorted(answers) == sorted(expected), task_name
        else:
            expected = [likelihood(network, *row) for row in rows]
            assert [value for answer in answers for value in answer] == pytest.approx(expected, abs=1e-4), task_name


def test_chat_options_need_chat(tmp_path: Path) -> None:
    task, _ = TASKS["choice"]
    lm_eval_chat.write_documents(tmp_path)
    given = {"task": {**task, "dataset_kwargs": {"data_files": {"test": "test.jsonl", "train": "train.jsonl"}}}}
    with pytest.raises(ValueError, match="set `chat: true`"):
        LmEvalTask.Options.model_validate(LmEvalTask.prepared({**given, "template_variables": {"a": 1}}, tmp_path))
    with pytest.raises(SuiteError):
        LmEvalTask.prepared({"chat": True}, tmp_path)
