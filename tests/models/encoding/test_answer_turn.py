"""Prompt, answer and the end of its turn are told apart by rendering: what is scored and learned is what is written."""

from __future__ import annotations

import pytest
import torch
from harness_support import model_zoo
from harness_support.plain_reference import close, logprobs
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.core.errors import DataError
from harness.core.requests import Continuations, Failure, Generate
from harness.models.encoding.prompt_encoder import PromptEncoder
from harness.text.conversations import PLAIN_TEMPLATE

MARKS = ["<|im_start|>", "<|im_end|>", "<turn>", "<end>", "<think>", "</think>"]
_ROLE = "{% if m['role'] == 'user' %}"
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_2 = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %} {{ m['content'] }} {{ eos_token }}{% endif %}{% endfor %}"
)
VICUNA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}USER: {{ m['content'] }} {% else %}"
    "ASSISTANT: {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}<turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end>\n{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
THINKING = (
    "{% for m in messages %}<turn>{{ m['role'] }}\n{{ m['content'].split('</think>')[-1] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<turn>assistant\n<think>\n{% endif %}"
)
UNPROMPTED = "{% for m in messages %}<turn>{{ m['role'] }}\n{{ m['content'] }}<end>{% endfor %}"
LINES = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
TEXT_MARKS = (
    "{% for m in messages %}### {{ m['role'] }}\n{{ m['content'] }}\n### end\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)
END = "<|endoftext|>"
TEMPLATES = {
    "chatml": (CHATML, "<|im_end|>"),
    "llama 2": (LLAMA_2, END),
    "vicuna": (VICUNA, END),
    "gemma": (GEMMA, "<end>"),
    "thinking": (THINKING, "<end>"),
    "no generation prompt": (UNPROMPTED, "<end>"),
    "plain lines": (LINES, None),
    "text marks": (TEXT_MARKS, None),
}
"""Name → template, and the special token that closes an answer, if any."""
ANSWERS = ("happy with it.", "It was not.", " two  words ", "a <turn> in it")


@pytest.fixture(scope="module", params=TEMPLATES)
def chat(request, tmp_path_factory):
    """A model with a template: folder, name of the template, its plain tokenizer."""
    folder = tmp_path_factory.mktemp("chat") / "model"
    tokenizer = model_zoo.gpt2_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    tokenizer.chat_template = TEMPLATES[request.param][0]
    model_zoo.language_model("qwen", folder, length=160, vocab_size=len(tokenizer))
    tokenizer.save_pretrained(folder)
    return folder, request.param, AutoTokenizer.from_pretrained(folder)


def turns(tokenizer, messages, answer):
    """Tokens of the generation prompt and of the finished conversation, by plain transformers."""
    conversation = [{"role": role, "content": content} for role, content in messages]
    prompt = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([*conversation, {"role": "assistant", "content": answer}], tokenize=False)
    return prompt, whole


MESSAGES = {
    "one turn": (("user", "What did she say?"),),
    "several": (("user", "Who?"), ("assistant", "The nurse."), ("user", "What did she say?")),
}


@pytest.mark.parametrize("conversation", MESSAGES)
def test_an_answer_is_scored_as_the_template_writes_it(conversation, chat, opened):
    folder, name, tokenizer = chat
    messages = MESSAGES[conversation]
    model = AutoModelForCausalLM.from_pretrained(folder)
    ((_, found),) = opened(folder).answer([Continuations("", ANSWERS[:2], messages)])
    expected = []
    for answer in ANSWERS[:2]:
        prompt, whole = turns(tokenizer, messages, answer)
        until = whole.rindex(answer) + len(answer)
        # In the thinking template and the one without a generation prompt the answer begins where the turn's text does.
        start = (
            len(prompt) if whole.startswith(prompt) and not whole[len(prompt) : whole.rindex(answer)].strip() else None
        )
        start = whole.rindex(answer) if start is None else start
        encoded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        values = logprobs(model, ids)
        places = [n for n, (low, high) in enumerate(offsets) if high > start and low < until]
        expected.append(sum(values[n - 1, ids[n]].item() for n in places))
    assert all(map(close, found.values, expected)), name


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_row_of_training_is_one_that_the_template_can_write(answer, chat):
    folder, name, tokenizer = chat
    before, after = PromptEncoder(AutoTokenizer.from_pretrained(folder), 160, template=PLAIN_TEMPLATE).row(
        "", MESSAGES["several"], answer
    )
    _, whole = turns(tokenizer, MESSAGES["several"], answer)
    end = TEMPLATES[name][1]
    row = whole[: whole.rindex(end) + len(end)] if end else whole.removesuffix("\n")
    closing = [] if end else [tokenizer.eos_token_id]
    assert tokenizer.decode([*before, *after]) == row + tokenizer.decode(closing)
    if not any(mark in answer for mark in MARKS):
        assert [*before, *after] == [*tokenizer(row, add_special_tokens=False)["input_ids"], *closing]
    spoken = tokenizer.decode(after)
    assert spoken.strip().startswith(answer.strip())
    assert set(spoken[spoken.index(answer.strip()) + len(answer.strip()) :].split()) <= {
        *MARKS,
        END,
        "###",
        "end" + END,
    }


def test_what_the_template_opens_is_no_part_of_the_answer(chat):
    """Neither the line end of the generation prompt nor a thought that it opens is learned."""
    folder, _, tokenizer = chat
    _, after = PromptEncoder(AutoTokenizer.from_pretrained(folder), 160, template=PLAIN_TEMPLATE).row(
        "", MESSAGES["one turn"], "Yes."
    )
    assert tokenizer.decode(after).lstrip(" ").startswith("Yes.")


def test_a_turn_s_end_ends_an_answer(chat, opened):
    folder, name, tokenizer = chat
    end = TEMPLATES[name][1]
    model = opened(folder)
    network = model.backend.network
    assert network.chat.turn_end == (tokenizer.convert_tokens_to_ids(end) if end else None)
    if end is None:
        return
    with torch.no_grad():  # a model that says nothing but the end of a turn
        head = network.language_model.get_output_embeddings()
        head.weight.zero_()
        states = head.weight.new_ones(head.weight.shape[1])
        head.weight[network.chat.turn_end] = states * 5
        norm = network.base.norm
        norm.weight.fill_(0.0)
        norm.register_forward_hook(lambda module, args, output: torch.ones_like(output))
    ((_, answer),) = model.answer([Generate(messages=MESSAGES["one turn"], max_tokens=4)])
    assert answer.finish == "end"
    assert answer.text == ""


def test_a_template_that_does_not_write_the_answer_is_said(tmp_path, opened):
    folder = model_zoo.language_model("llama", tmp_path / "model", length=96)
    tokenizer = model_zoo.llama_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    tokenizer.save_pretrained(folder)
    ((_, answer),) = opened(folder).answer([Continuations("", ("Yes.",), MESSAGES["one turn"])])
    assert isinstance(answer, Failure)
    assert "does not write the assistant's answer" in answer.message
    with pytest.raises(DataError, match="does not write the assistant's answer"):
        PromptEncoder(AutoTokenizer.from_pretrained(folder), 160, template=PLAIN_TEMPLATE).row(
            "", MESSAGES["one turn"], "Yes."
        )
