"""A conversation that is longer than the window is cut inside a message: the template's frame stays, to the byte."""

from __future__ import annotations

import pytest
from harness_support import model_zoo

from harness.core.requests import Continuations, Failure
from harness.models.encoding.chat_template import Chat
from harness.models.encoding.continuation_plans import continuation_plans
from harness.models.encoding.message_cuts import fitted
from harness.models.encoding.text_encoder import TextEncoder

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LONG = " ".join(f"the nurse told doctor {number}" for number in range(60)) + ". What did she say?"
CONVERSATIONS = {
    "one turn": (("user", LONG),),
    "system": (("system", "Be brief. " * 4), ("user", LONG)),
    "turns": (("user", LONG), ("assistant", "It was good."), ("user", LONG)),
    "long system": (("system", LONG), ("user", "What?")),
}


@pytest.fixture(scope="module")
def chat():
    tokenizer = model_zoo.gpt2_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = TEMPLATE
    return Chat(TextEncoder(tokenizer))


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("room", [60, 100])
def test_frame_and_end_of_the_question_stay(chat, name, room):
    encoder, messages = chat._encoder, CONVERSATIONS[name]

    def ids(turns):
        return chat.pieces(chat.prompt(turns)).ids

    fit = fitted(messages, ids, lambda rows: len(rows) - room, encoder)
    assert fit is not None
    assert fit.cut > 0
    assert room - 6 <= len(fit.rows) <= room, "no more is cut than must be"
    assert [turn[0] for turn in fit.messages] == [turn[0] for turn in messages]
    assert all(kept and whole.endswith(kept) for (_, kept), (_, whole) in zip(fit.messages, messages, strict=True))
    plain = [{"role": role, "content": content} for role, content in fit.messages]
    rendered = encoder.tokenizer.apply_chat_template(plain, add_generation_prompt=True, tokenize=True)["input_ids"]
    assert fit.rows == rendered


def test_what_fits_is_left_alone(chat):
    messages = (("user", " two  words "),)
    fit = fitted(messages, chat.prompt, lambda _text: 0, chat._encoder)
    assert (fit.messages, fit.cut) == (messages, 0)


def test_no_room_for_the_frame(chat):
    fit = fitted(
        (("user", LONG),), lambda turns: chat.pieces(chat.prompt(turns)).ids, lambda rows: len(rows) - 5, chat._encoder
    )
    assert fit is None


def test_options_are_scored_behind_the_same_cut(chat):
    request = Continuations("", ("good.", "not so good."), messages=CONVERSATIONS["one turn"])
    ((_, plan),) = continuation_plans(chat._encoder, chat, 80, [request])
    assert not isinstance(plan, Failure)
    assert plan.cut > 0
    assert len(plan.trunk) + max(map(len, plan.branches)) - 1 <= 80
    text = chat._encoder.tokenizer.decode(plan.trunk)
    assert text.startswith("<|im_start|>user\n")
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    ((_, refused),) = continuation_plans(chat._encoder, chat, 8, [request])
    assert isinstance(refused, Failure)
    assert refused.reason == "too_long"
