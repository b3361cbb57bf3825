"""Which tokens of a conversation are learned: the assistant's answers and the ends of its turns, token by token.

The reference is transformers' own mask, from templates that mark what the assistant writes.
"""

from __future__ import annotations

import dataclasses

import pytest
from harness_support import model_zoo

from harness.core.examples import PromptTarget
from harness.core.requests import ChatForm
from harness.models.encoding.prompt_encoder import PromptEncoder, template_for
from harness.text.conversations import PLAIN_TEMPLATE

ANSWER = "{% generation %}", "{% endgeneration %}"
TEMPLATES = {
    "chatml": (
        "{% for m in messages %}{% if m['role'] == 'assistant' %}<|im_start|>assistant\n{% generation %}"
        "{{ m['content'] }}<|im_end|>{% endgeneration %}{{ '\n' }}{% else %}"
        "<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "next header closes": (
        "{% for m in messages %}<turn>{{ m['role'] }}\n{% if m['role'] == 'assistant' %}{% generation %}"
        "{{ m['content'] }}{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
    ),
    "trims": (
        "{% for m in messages %}{% if m['role'] == 'assistant' %}<turn>model\n{% generation %}"
        "{{ m['content'] | trim }}<end>{% endgeneration %}{{ '\n' }}{% else %}"
        "<turn>{{ m['role'] }}\n{{ m['content'] | trim }}<end>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<turn>model\n{% endif %}"
    ),
}
LLAMA_2 = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %} {{ m['content'] }} <|endoftext|>"
    "{% else %}[INST] {{ m['content'] }} [/INST]{% endif %}{% endfor %}"
)
CONVERSATIONS = {
    "one": (("user", "What did she say?"), ("assistant", "It was good.")),
    "three": (
        ("user", "What did she say?"),
        ("assistant", "It was good."),
        ("user", "It was good."),
        ("assistant", "It was good."),
        ("user", "Why?"),
        ("assistant", "She was happy with it."),
    ),
}


def tokenizer(template):
    made = model_zoo.gpt2_tokenizer()
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "<turn>", "<end>"]})
    made.chat_template = template
    return made


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("turns", CONVERSATIONS)
def test_the_mask_is_that_of_the_template(name, turns):
    messages = CONVERSATIONS[turns]
    reference = tokenizer(TEMPLATES[name])
    plain = tokenizer(TEMPLATES[name].replace(ANSWER[0], "").replace(ANSWER[1], ""))
    wanted = reference.apply_chat_template(
        [{"role": role, "content": text} for role, text in messages],
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    example = PromptTarget(messages[-1][1], messages=messages[:-1], every_answer=True)
    ids, mask = PromptEncoder(plain, 500, template=None).learned(example)
    size = len(ids) - (name == "next header closes")
    assert ids[:size] == wanted["input_ids"][:size]
    assert list(map(int, mask[:size])) == wanted["assistant_masks"][:size]
    assert sum(wanted["assistant_masks"][size:]) == 0, "only what follows the last turn's end is left out"
    if name == "next header closes":
        assert (ids[-1], mask[-1]) == (plain.eos_token_id, True)


THINKING = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last and '</think>' not in m['content'] %}"
    "<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] if loop.last else m['content'].split('</think>')[-1] | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if opens is defined %}<think>\n{% endif %}{% endif %}"
)
THOUGHT = "<think>\nWho?\n</think>\n\nShe."


@pytest.mark.parametrize(
    ("answer", "variables", "learned"),
    [
        ("She.", "", "<think>\n\n</think>\n\nShe.<|im_end|>"),
        (THOUGHT, "", f"{THOUGHT}<|im_end|>"),
        (THOUGHT, '{"opens": true}', f"{THOUGHT.removeprefix('<think>')[1:]}<|im_end|>"),
        ("She.", '{"opens": true}', "\n</think>\n\nShe.<|im_end|>"),
    ],
)
def test_a_thought_that_the_prompt_does_not_hold_is_learned(answer, variables, learned):
    """Whole, and an empty one too: asked by the same prompt, the model has to write it."""
    encoder = PromptEncoder(tokenizer(THINKING), 500, template=None)
    messages = (("user", "Who?"), ("assistant", THOUGHT), ("user", "And who?"))
    ids, mask = encoder.learned(
        PromptTarget(answer, messages=messages, every_answer=True, form=ChatForm(variables=variables))
    )
    runs = "".join(encoder._tokenizer.decode([token]) if on else "\0" for token, on in zip(ids, mask, strict=True))
    assert [run for run in runs.split("\0") if run] == ["She.<|im_end|>", learned]
    before, after = encoder.row("", messages, answer, ChatForm(variables=variables))
    assert encoder._tokenizer.decode(after) == learned
    assert [*before, *after] == ids


def test_eos_between_turns_is_learned_where_the_template_leaves_the_last_one_out():
    template = (
        "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}"
        "{% if m['role'] == 'assistant' and not loop.last %}<|endoftext|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    encoder = PromptEncoder(tokenizer(template), 500, template=None)
    messages = (("user", "Who?"), ("assistant", "She."), ("user", "Why?"))
    ids, mask = encoder.learned(PromptTarget("So.", messages=messages, every_answer=True))
    runs = "".join(encoder._tokenizer.decode([token]) if on else "\0" for token, on in zip(ids, mask, strict=True))
    assert [run for run in runs.split("\0") if run] == ["She.<|endoftext|>", "So.<|endoftext|>"]


def test_a_space_before_the_answer_is_learned_with_it():
    messages = CONVERSATIONS["three"]
    encoder = PromptEncoder(tokenizer(LLAMA_2), 500, template=None)
    ids, mask = encoder.learned(PromptTarget(messages[-1][1], messages=messages[:-1], every_answer=True))
    runs = "".join(encoder._tokenizer.decode([token]) if on else "\0" for token, on in zip(ids, mask, strict=True))
    learned = [run for run in runs.split("\0") if run]
    assert learned == [f" {text} <|endoftext|>" for role, text in messages if role == "assistant"]


def test_a_long_conversation_loses_its_oldest_exchanges():
    messages = CONVERSATIONS["three"]
    encoder = PromptEncoder(
        tokenizer(TEMPLATES["chatml"].replace(ANSWER[0], "").replace(ANSWER[1], "")), 60, template=None
    )
    system = (("system", "Be brief."), *messages[:-1])
    ids, mask = encoder.learned(PromptTarget(messages[-1][1], messages=system, every_answer=True))
    assert len(ids) <= 60
    text = encoder._tokenizer.decode(ids)
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")
    assert text.endswith("She was happy with it.<|im_end|>")
    assert any(mask)


def test_one_answer_is_learned_as_before():
    messages = CONVERSATIONS["three"]
    encoder = PromptEncoder(tokenizer(None), 500, template=template_for([PromptTarget("a", messages=messages[:1])]))
    assert encoder._tokenizer.chat_template == PLAIN_TEMPLATE
    example = PromptTarget(messages[-1][1], messages=messages[:-1])
    ids, mask = encoder.learned(example)
    before, after = encoder.row("", example.messages, example.target)
    assert (ids, mask) == ([*before, *after], [False] * len(before) + [True] * len(after))
    _, every = encoder.learned(dataclasses.replace(example, every_answer=True))
    assert sum(every) > sum(mask)


def test_examples_keep_their_keys():
    plain = PromptTarget("a", messages=(("user", "b"),))
    assert set(plain.to_json()) == {"kind", "target", "prompt", "messages"}
    assert "every_answer" in PromptTarget("a", messages=(("user", "b"),), every_answer=True).to_json()
