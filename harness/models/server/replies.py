"""What a server's JSON means: tokens with their places in the prompt, and generated texts.

A reply is the work of a stranger: everything is checked before it becomes a number. What does
not add up raises `Unusable`, and the request fails with that reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.requests import Generate, Generated
from harness.models.encoding.text_encoder import TextEncoder
from harness.text.thoughts import PAIRS, SplitText, split_thought

_ROUNDING = 1e-3
_LARGEST = 1e30
_SPECIAL = re.compile(r"<[^<>\s]{1,40}>")


class Unusable(Exception):
    """A reply that is JSON and is not what was asked for."""


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a prompt: where it stands in the text, and its log-probability (None: not given)."""

    start: int
    end: int
    text: str
    logprob: float | None


def choice(reply: Mapping[str, object]) -> Mapping[str, object]:
    """The first choice of a completion. Raises: Unusable."""
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unusable("the server response has no `choices`")
    return choices[0]


def echo_body(model: str, prompt: str) -> dict[str, object]:
    """Asks for the log-probabilities of a prompt; some servers generate without end for `max_tokens: 0`."""
    return {"model": model, "prompt": prompt, "max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}


def prompt_tokens(reply: Mapping[str, object], prompt: str, encoder: TextEncoder | None = None) -> list[ScoredToken]:
    """The tokens of an echoed prompt with their places and log-probabilities.

    Places come from the local tokenizer where one is given, else from the tokens' texts, else from
    the offsets that the server names. A special token at the beginning may be missing in the
    reply, and the token generated after the prompt may follow.

    Raises:
        Unusable: without log-probabilities, or when tokens and prompt do not fit each other.
    """
    tokens, values, offsets = _columns(choice(reply))
    hidden = _SPECIAL.match(prompt)
    for skipped in (0, hidden.end() if hidden is not None else 0):
        spans = _spans(tokens, offsets, prompt[skipped:], encoder if skipped or hidden is None else None)
        if spans is not None:
            return [
                ScoredToken(start + skipped, end + skipped, token, value)
                for (start, end), token, value in zip(spans, tokens, values, strict=False)
            ]
    if encoder is not None:
        raise Unusable("the server tokenizes the prompt differently than the suite's `tokenizer`")
    raise Unusable("the server's tokens do not match the prompt; set the model's `tokenizer` in the suite")


def _columns(choice: Mapping[str, object]) -> tuple[list[str], list[float | None], list[int] | None]:
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        raise Unusable("the server returns no log-probabilities")
    tokens, values, offsets = (logprobs.get(name) for name in ("tokens", "token_logprobs", "text_offset"))
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values) or not tokens:
        raise Unusable("the server returns no log-probability for each token")
    if not all(isinstance(token, str) for token in tokens):
        raise Unusable("the server's tokens are not texts")
    whole = isinstance(offsets, list) and len(offsets) == len(tokens)
    whole = whole and all(isinstance(offset, int) and not isinstance(offset, bool) for offset in offsets or ())
    return tokens, [checked(value) for value in values], offsets if whole else None


def checked(value: object) -> float | None:
    """A log-probability as a number that can be one; None where the server gives none. Raises: Unusable."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unusable(f"a log-probability is {value!r}")
    if not -_LARGEST < value <= _ROUNDING:
        raise Unusable(f"a log-probability is {str(value)[:20]}")
    return min(0.0, float(value))


def _spans(
    tokens: Sequence[str], offsets: Sequence[int] | None, prompt: str, encoder: TextEncoder | None
) -> list[tuple[int, int]] | None:
    if encoder is not None:
        own = encoder.pieces([prompt])[0].offsets
        fits = len(tokens) - len(own) in (0, 1) and _spelled(tokens, own, prompt)
        return _joined(own) if fits else None
    spans = _by_texts(tokens, prompt)
    return spans if spans is not None or offsets is None else _by_offsets(tokens, offsets, prompt)


def _by_texts(tokens: Sequence[str], prompt: str) -> list[tuple[int, int]] | None:
    spans = []
    place = 0
    for token in tokens:
        if place >= len(prompt):
            break
        if not prompt.startswith(token, place):
            return None
        spans.append((place, place + len(token)))
        place += len(token)
    return _joined(spans) if place == len(prompt) else None


def _by_offsets(tokens: Sequence[str], offsets: Sequence[int], prompt: str) -> list[tuple[int, int]] | None:
    """A token that is a part of a character has no text of its own: only places tell."""
    inside = [offset for offset in offsets if offset < len(prompt)]
    if not inside or inside[0] != 0 or inside != sorted(inside) or list(offsets[: len(inside)]) != inside:
        return None
    spans = list(zip(inside, [*inside[1:], len(prompt)], strict=True))
    return _joined(spans) if _spelled(tokens, spans, prompt) else None


def _spelled(tokens: Sequence[str], spans: Sequence[tuple[int, int]], prompt: str) -> bool:
    """Whether each token that has a text of its own stands where its span says."""
    return all(
        not token or "\ufffd" in token or prompt[start:end].strip() == token.strip()
        for token, (start, end) in zip(tokens, spans, strict=False)
    )


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Tokens that are parts of one character all reach to its end."""
    joined: list[tuple[int, int]] = []
    for start, end in reversed(spans):
        joined.append((start, end if end > start or not joined else joined[-1][1]))
    return joined[::-1]


def generated(reply: Mapping[str, object], request: Generate, encoder: TextEncoder | None) -> Generated:
    """The text of a completion or chat answer.

    Raises:
        Unusable: when there is no text, no count of tokens, or the server ended for another reason
            than an end, a stop or the length (a content filter).
    """
    answer = choice(reply)
    text, thought = _written(answer, thinking=request.thinking)
    finish = answer.get("finish_reason")
    if finish not in ("stop", "length", "eos", "eos_token", "tool_calls"):
        raise Unusable(f"the server stopped with finish_reason {finish!r}")
    usage = reply.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    count = _count(usage.get("completion_tokens"))
    if count is None and encoder is not None:
        count = len(encoder.plain([text])[0])
    if count is None:
        raise Unusable("the server does not report the number of generated tokens (`usage`)")
    read = _count(usage.get("prompt_tokens"))
    split = SplitText(thought, text, unclosed=thought is not None and not text.strip() and finish == "length")
    if request.thinking and thought is None:
        split = split_thought(text, PAIRS)
    cut = min((place for stop in request.stop if (place := split.answer.find(stop)) >= 0), default=None)
    stopped = cut is not None or isinstance(answer.get("stop_reason"), str)
    return Generated(
        text=split.answer if cut is None else split.answer[:cut],
        tokens=count,
        finish="stop" if stopped else "length" if finish == "length" else "end",
        prompt_tokens=read or 0,
        thought=split.thought,
        unclosed=split.unclosed,
    )


def _written(answer: Mapping[str, object], *, thinking: bool) -> tuple[str, str | None]:
    """The text of an answer, tool calls as JSON in place of a text that is missing, and a thought that stands apart.

    Raises:
        Unusable: when there is neither a text nor a thought.
    """
    message = answer.get("message")
    if not isinstance(message, dict):
        message = {"content": answer.get("text")}
    apart = [message.get(name) for name in ("reasoning_content", "reasoning")]
    thought = next((text for text in apart if isinstance(text, str) and text), None)
    text, calls = message.get("content"), message.get("tool_calls")
    if isinstance(calls, list) and calls and not text:
        text = json.dumps(calls, ensure_ascii=False)
    if text is None and thought is not None and thinking:
        text = ""
    if not isinstance(text, str):
        raise Unusable("the server response has no text")
    return text, thought


def _count(value: object) -> int | None:
    """A number of tokens, or None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
