"""A thought is no answer: stop strings wait for its end, its marks may be special tokens, and an open one is unread."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
import torch
from harness_support import model_zoo

from harness.core.evaluation import EvaluationContext, Item
from harness.core.requests import Generate, Generated
from harness.evaluations.tasks.generative_qa import GenerativeQA, GenerativeQAOptions
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.encoding.thought_reader import thought_reader
from harness.models.local.decoding.decoding_loop import Writer, generations
from harness.models.local.stepper import Prompt

TEMPLATES = {
    "<think>": "{% for m in messages %}{{ m['content'] }}{% endfor %}<|assistant|>{# </think> #}",
    "[THINK]": "{% for m in messages %}{{ m['content'] }}{% endfor %}<|assistant|>{# [/THINK] #}",
}


def reader(mark="<think>", *, special=False):
    tokenizer = model_zoo.gpt2_tokenizer()
    closing = mark[0] + "/" + mark[1:]
    if special:
        tokenizer.add_special_tokens({"additional_special_tokens": [mark, closing]})
    tokenizer.chat_template = TEMPLATES[mark]
    return thought_reader(TextEncoder(tokenizer))


class Dictated:
    """Writes given tokens, whatever was asked."""

    def __init__(self, tokens, size):
        self.tokens, self.size, self.place = tokens, size, 0

    def _logits(self):
        logits = torch.zeros(1, self.size)
        logits[0, self.tokens[self.place]] = 9.0
        self.place += 1
        return logits

    def start(self, prompts):
        return self._logits()

    def step(self, tokens):
        return self._logits()

    def keep(self, rows):
        """There is one row."""


class OneByOne:
    whole_budget = 1

    def run(self, rows, length, forward, slack, room):
        for row in rows:
            yield row, forward([row])[0]


def written(text, thoughts, *, stop=("\n",), max_tokens=200):
    encoder = thoughts.encoder
    request = Generate(messages=(("user", "?"),), max_tokens=max_tokens, stop=stop, thinking=True)
    tokens = [*encoder.canonical(text).ids, encoder.tokenizer.eos_token_id]
    stepper = Dictated(tokens, len(encoder.tokenizer))
    ends = frozenset([encoder.tokenizer.eos_token_id])
    prompt = Prompt([1], request, 0, max_tokens, thoughts)
    writer = Writer(encoder, ends, lambda: stepper, lambda: False, nullcontext)
    ((_, answer),) = generations([prompt], OneByOne(), writer, lambda _prompt: ())
    assert isinstance(answer, Generated)
    return answer


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("mark", TEMPLATES)
def test_stop_strings_end_the_answer_and_not_the_thought(mark, special):
    thoughts = reader(mark, special=special)
    closing = mark[0] + "/" + mark[1:]
    made = written(f"{mark}\nShe said\nit was good.{closing}\n\nIt was good.\nAnd more", thoughts)
    assert (made.text, made.thought, made.finish) == ("It was good.", "She said\nit was good.", "stop")


def test_a_prompt_that_opens_the_thought():
    made = written("She said\nso</think>\n\nYes.\nNo.", reader().behind("<|assistant|><think>\n"))
    assert (made.text, made.thought) == ("Yes.", "She said\nso")


def test_without_a_thought_nothing_changes():
    made = written("Yes.\nNo.", reader())
    assert (made.text, made.thought, made.finish) == ("Yes.", None, "stop")


def test_an_open_thought_is_unread_and_counted():
    made = written("<think>\nShe said it was good and that she was happy", reader(), max_tokens=8)
    assert made.unclosed
    assert not made.text
    assert made.finish == "length"
    task = GenerativeQA("qa", GenerativeQAOptions(data="d", chat=True), EvaluationContext())
    item = Item(id="1", payload={"prompt": "?", "references": ["Yes."]}, texts={"text": "?"})
    record = task.record(item, "chat", [made])
    assert record.status == "unread"
    assert not record.stats
    assert "thought" in record.response


def test_a_long_text_is_decoded_by_its_end_alone(monkeypatch):
    thoughts = reader()
    lengths = []
    decode = TextEncoder.decode
    monkeypatch.setattr(TextEncoder, "decode", lambda self, ids: lengths.append(len(ids)) or decode(self, ids))
    made = written("<think>" + "she said so\n" * 60 + "</think>\n\nYes.\n", thoughts, max_tokens=1000)
    assert made.text == "Yes."
    assert sum(length > 60 for length in lengths) <= 2, "only the finished text is decoded as a whole"


def test_answers_with_thoughts_are_cached_as_such():
    from harness.core.requests import response_from_json

    made = Generated("Yes.", 4, "end", thought="so", unclosed=False)
    assert response_from_json(json.loads(json.dumps(made.to_json()))) == made
    plain = Generated("Yes.", 4, "end")
    assert "thought" not in plain.to_json()
    assert response_from_json(plain.to_json()) == plain
