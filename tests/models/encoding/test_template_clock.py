from __future__ import annotations

from datetime import datetime

import pytest
from harness_support import model_zoo

from harness.models.encoding.chat_template import Chat
from harness.models.encoding.template_clock import STATED_TIME, at_stated_time
from harness.models.encoding.text_encoder import TextEncoder

FORMATS = ("%d %b %Y", "%H:%M:%S", "%Y-%m-%d", "%-d. %B", "%A, %j, week %U", "100%% on %x", "%I %p", "%%d", "%F %T %e")


def chat(template: str) -> Chat:
    tokenizer = model_zoo.llama_tokenizer()
    tokenizer.chat_template = template
    return Chat(TextEncoder(tokenizer))


@pytest.mark.parametrize("written", FORMATS)
def test_the_clock_stands_at_the_stated_time(written: str) -> None:
    found = chat("It is {{ strftime_now('" + written + "') }}. {{ messages[0]['content'] }}")
    assert found.prompt([("user", "hi")]) == f"It is {STATED_TIME.strftime(written)}. hi"
    assert found.clock == "2025-01-01 12:00"
    assert "as of 2025-01-01 12:00" in found.notes[0]


def test_templates_as_they_are_found_read_it() -> None:
    lines = [
        "{%- if not date_string is defined %}",
        "    {%- if strftime_now is defined %}",
        '        {%- set date_string = strftime_now("%d %b %Y") %}',
        "    {%- else %}",
        '        {%- set date_string = "26 Jul 2024" %}',
        "    {%- endif %}",
        "{%- endif %}",
        '{{- "Today Date: " + date_string + "\\n\\n" }}',
    ]
    macro = "{% macro day() %}{{ strftime_now('%Y') }}{% endmacro %}{{ day() }}"
    assert (
        chat("\n".join(lines) + macro).prompt([("user", "")])
        == f"Today Date: {STATED_TIME:%d %b %Y}\n\n{STATED_TIME:%Y}"
    )


def test_a_template_without_a_clock_is_rendered_as_it_stands() -> None:
    template = "{{ messages[0]['content'] }} in " + str(datetime.now().year)
    assert at_stated_time(template) is template
    assert chat(template).clock is None
    assert chat(template).notes == []
