"""A template that drops a message is noticed by rendering: the message is given in another form, or the item fails."""

from __future__ import annotations

import pytest
from harness_support import model_zoo

from harness.models.encoding.chat_template import Chat, ChatError
from harness.models.encoding.text_encoder import TextEncoder

USER = (("user", "What did she say?"),)
SYSTEM = (("system", "Be brief."), *USER)
PARTS = (
    "{% for m in messages %}<{{ m['role'] }}>{% for part in m['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
)
DROPS_SYSTEM = (
    "{% for m in messages %}{% if m['role'] != 'system' %}<{{ m['role'] }}>{{ m['content'] }}{% endif %}{% endfor %}"
)
DROPS_USER = "{% for m in messages %}{% if m['role'] != 'user' %}{{ m['content'] }}{% endif %}{% endfor %}Answer:"
TRIMS = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | trim }}{% endfor %}"


def chat(template):
    tokenizer = model_zoo.gpt2_tokenizer()
    tokenizer.chat_template = template
    return Chat(TextEncoder(tokenizer))


def test_messages_are_given_as_parts_where_the_template_reads_parts():
    made = chat(PARTS)
    wanted = made._encoder.tokenizer.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": USER[0][1]}]}], tokenize=False
    )
    assert made.prompt(USER) == wanted
    assert USER[0][1] in wanted
    assert any("lists of parts" in note for note in made.told)
    assert made.answered(USER, "Yes.").text.endswith("<assistant>Yes.")


@pytest.mark.parametrize("template", [NO_SYSTEM, DROPS_SYSTEM])
def test_a_system_message_without_a_role_is_folded_and_that_is_said(template):
    made = chat(template)
    assert made.prompt(SYSTEM) == "<user>Be brief.\n\nWhat did she say?"
    assert any("no system role" in note for note in made.told)
    assert made.prompt(USER) == "<user>What did she say?"


def test_a_template_that_drops_the_question_fails():
    with pytest.raises(ChatError, match="does not write the user's message"):
        chat(DROPS_USER).prompt(USER)


def test_white_space_and_a_thought_that_is_over_may_be_gone():
    assert chat(TRIMS).prompt((("user", "  two  words \n"),)) == "<user>two  words"
    thinking = "{% for m in messages %}{{ m['content'].split('</think>')[-1] }}|{% endfor %}"
    turns = (("user", "a"), ("assistant", "<think>long</think>b"), ("user", "c"))
    assert chat(thinking).prompt(turns) == "a|b|c|"


def test_a_template_that_wants_alternation_says_so():
    strict = (
        "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{{ m['content'] }}{% endfor %}"
    )
    with pytest.raises(ChatError, match="roles must alternate"):
        chat(strict).prompt((*USER, *USER))


def test_plain_templates_have_nothing_said_of_them():
    made = chat("{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}")
    made.prompt(SYSTEM)
    assert not made.told
