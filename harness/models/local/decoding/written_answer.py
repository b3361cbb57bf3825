"""The answer that written tokens make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.core.requests import Generated
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.stepper import Prompt

Finish = Literal["stop", "end", "length"]
"""Why writing ended: a stop string, the model's own end, the limit of tokens."""


def written_answer(
    prompt: Prompt, tokens: Sequence[int], finish: Finish, total: float, encoder: TextEncoder
) -> Generated:
    """The text of the tokens, without what follows from the first stop string on.

    Args:
        total: log-likelihood of the tokens in nats.
    """
    text = encoder.decode(list(tokens))
    if finish == "stop":
        text = text[: min(text.find(stop) for stop in prompt.request.stop if stop in text)]
    return Generated(
        text=text,
        tokens=len(tokens),
        finish=finish,
        prompt_tokens=len(prompt.ids),
        truncated=prompt.truncated,
        log_likelihood=total,
        inputs=str(encoder.mark(prompt.ids)),
    )
