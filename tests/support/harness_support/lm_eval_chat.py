"""lm-evaluation-harness's tasks asked through chat templates: tiny models, documents of our own, and our answers.

`benchmarks/lm_eval_chat.py` asks lm-eval the same and stores what it read in `tests/fixtures/lm_eval_chat.json`. This
file imports nothing of harness before it is asked: lm-eval's environment reads it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPLATES = {
    "chatml": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "thinks": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
    ),
    "no system": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}"
        "{% elif m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]"
        "{% else %} {{ m.content | trim }}{{ eos_token }}{% endif %}{% endfor %}"
    ),
    "no generation prompt": "{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}\n{% endfor %}",
    "twice the beginning": (
        "{{ bos_token }}{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    ),
}
_SPECIAL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")
_WORDS = ("the", "nurse", "doctor", "river", "garden", "story", "letter", "old", "quiet", "long", "walked", "asked")
_DATA = {
    "dataset_path": "json",
    "training_split": "train",
    "test_split": "test",
    "description": "About animals.",
    "doc_to_text": "Question: {{q}}\nAnswer:",
}
_CHOICE = {**_DATA, "output_type": "multiple_choice", "doc_to_choice": "options", "doc_to_target": "gold"}
_WRITTEN = {**_DATA, "output_type": "generate_until", "doc_to_target": "{{options[gold]}}"}
_STOPS = {"until": ["e"], "max_gen_toks": 24, "do_sample": False}
TASKS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "choice": (_CHOICE, {}),
    "choice, examples as turns": (_CHOICE, {"num_fewshot": 2, "system": "Be brief."}),
    "choice, examples in one message": (_CHOICE, {"num_fewshot": 2, "multiturn": False}),
    "contexts": (
        {**_CHOICE, "doc_to_text": "gold", "doc_to_choice": "options", "doc_to_target": "{{end}}"},
        {"num_fewshot": 1, "template_variables": {"enable_thinking": False}},
    ),
    "target": (
        {**_DATA, "output_type": "loglikelihood", "doc_to_target": "{{options[gold]}}"},
        {"num_fewshot": 1, "system": "Be brief.\n"},
    ),
    "written": ({**_WRITTEN, "generation_kwargs": _STOPS}, {"num_fewshot": 1}),
    "written behind a thought": (
        {**_WRITTEN, "generation_kwargs": {**_STOPS, "until": ["\n\n\n"]}},
        {"think_end_token": "a", "system": "Think.", "template_variables": {"enable_thinking": True}},
    ),
}
"""Each task, and the options by which both sides ask it."""


def documents(count: int, first: int) -> list[dict[str, Any]]:
    def words(number: int) -> str:
        return " ".join(_WORDS[(number * 7 + step * 5 + step * step) % len(_WORDS)] for step in range(2 + number % 4))

    return [
        {"q": f"{words(n)}?", "options": [words(n + k) for k in (1, 2, 3)], "gold": n % 3, "end": words(n + 9)}
        for n in range(first, first + count)
    ]


def model_folder(folder: Path, template: str) -> Path:
    """A Llama of two layers with a tokenizer of bytes that puts BOS before a text, and a chat template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {name: number for number, name in enumerate([*_SPECIAL, *letters])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in _SPECIAL])
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = template
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    ids = {"bos_token_id": 0, "eos_token_id": 1, "vocab_size": len(tokenizer)}
    config = LlamaConfig(**shape, **ids, max_position_embeddings=2048, initializer_range=0.3)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def spelled(tokenizer: Any, ids: list[int]) -> str:
    """Tokens as one text, from which the tokenizer of bytes makes the same ones."""
    return "".join(tokenizer.convert_ids_to_tokens(ids))


def ids_of(tokenizer: Any, spelling: str) -> list[int]:
    """The tokens that `spelled` wrote."""
    special = re.compile("|".join(map(re.escape, _SPECIAL)) + "|.", re.DOTALL)
    return [int(token) for token in tokenizer.convert_tokens_to_ids(special.findall(spelling))]


def write_documents(folder: Path, count: int = 12) -> None:
    for name, first, many in (("train", 100, 12), ("test", 0, count)):
        lines = map(json.dumps, documents(many, first))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def ours(folder: Path, model: Any, task: Mapping[str, Any], options: Mapping[str, Any]) -> list[Any]:
    """Of each document: the log-likelihoods, or the text that is scored."""
    from harness.core.evaluation import EvaluationContext
    from harness.core.reporter import Silent
    from harness.data.open_dataset import open_dataset
    from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
    from harness.storage.store import Store

    files = {"data_files": {"train": "train.jsonl", "test": "test.jsonl"}}
    given = {"task": {**task, "dataset_kwargs": files}, "folder": str(folder), "chat": True, **options}
    made = LmEvalTask.Options.model_validate(LmEvalTask.prepared(given, folder))
    (ref,) = LmEvalTask.data_names(made)
    data = open_dataset(ref, name="d", base=folder, store=Store(folder / "store"), reporter=Silent())
    evaluation = LmEvalTask("t", made, EvaluationContext())
    protocol = evaluation.protocol(model.facts)
    assert protocol is not None, evaluation.unsupported(model.facts)
    items = {int(item.id) if item.id.isdigit() else item.id: item for item in evaluation.items([data], "test")}
    asked = {name: evaluation.requests(item, protocol) for name, item in items.items()}
    answers = dict(model.answer([request for requests in asked.values() for request in requests]))
    records = [evaluation.record(item, protocol, [answers[r] for r in asked[name]]) for name, item in items.items()]
    return [_figures(record.response, record.prediction) for record in records]


def _figures(response: Mapping[str, Any], prediction: Any) -> Any:
    if "log_likelihoods" in response:
        return response["log_likelihoods"]
    return [response["log_likelihood"]] if "log_likelihood" in response else prediction
