"""The answer that written tokens make, and where it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.core.requests import Generated
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.stepper import Prompt
from harness.text.thoughts import SplitText

Finish = Literal["stop", "end", "length"]
"""Why writing ended: a stop string, the model's own end, the limit of tokens."""
_TAIL = 16
"""Tokens at the end of a text in which a stop string is looked for, beside those that it can be long."""


def written_answer(
    prompt: Prompt, tokens: Sequence[int], finish: Finish, total: float, encoder: TextEncoder
) -> Generated:
    """The text of the tokens, without what follows from the first stop string on; a thought apart where one may be.

    Args:
        total: log-likelihood of the tokens in nats.
    """
    split = _split(prompt, tokens, encoder)
    text = split.answer
    if finish == "stop":
        text = text[: min((text.find(stop) for stop in prompt.request.stop if stop in text), default=len(text))]
    return Generated(
        text=text,
        tokens=len(tokens),
        finish=finish,
        prompt_tokens=len(prompt.ids),
        truncated=prompt.truncated,
        log_likelihood=total,
        thought=split.thought,
        unclosed=split.unclosed,
        inputs=str(encoder.mark(prompt.ids)),
    )


def is_stopped(prompt: Prompt, tokens: Sequence[int], encoder: TextEncoder, start: int = 0) -> bool:
    """Whether a stop string stands in the answer, looked for at its end alone.

    Args:
        start: the answer's first token; above 0 behind a thought, where white space before the answer is none of it.
    """
    stops = prompt.request.stop
    begin = max(start, len(tokens) - _TAIL - max(map(len, stops)))
    text = encoder.decode(tokens[begin:])
    if start and begin == start:
        text = text.lstrip()
    return any(stop in text for stop in stops)


def _split(prompt: Prompt, tokens: Sequence[int], encoder: TextEncoder) -> SplitText:
    if prompt.thoughts is None:
        return SplitText(None, encoder.decode(list(tokens)))
    return prompt.thoughts.split(tokens)
