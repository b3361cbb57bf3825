"""Thoughts that a model writes before its answer, between marks: `<think>…</think>` and those of other models.

    <think>7 times 6 is 42.</think>\n\nIt is 42.   →   thought `7 times 6 is 42.`, answer `It is 42.`

A thought that was opened and never closed leaves no answer. A closing mark without an opening one ends a thought, too:
templates open it in the prompt, and services leave the opening mark out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[str, str]
THINK: Pair = ("<think>", "</think>")
PAIRS: tuple[Pair, ...] = (
    THINK,
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<|channel>", "<channel|>"),
)
"""Marks of Qwen, DeepSeek, SmolLM, most others; Seed; Kimi; Magistral; OpenThinker; Command A; gpt-oss; Gemma."""


@dataclass(frozen=True, slots=True)
class SplitText:
    """A written text in its parts.

    Attributes:
        thought: all of its thoughts, without marks; None where it has none.
        answer: what is no thought; empty while a thought is open.
        unclosed: whether its last thought never ends.
    """

    thought: str | None
    answer: str
    unclosed: bool = False


def split_thought(text: str, pairs: Sequence[Pair] = (THINK,), *, opened: bool = False) -> SplitText:
    """Tells thoughts and answer apart.

    Args:
        text: what a model wrote.
        pairs: opening and closing marks that count.
        opened: whether the prompt has opened a thought already.
    """
    thoughts: list[str] = []
    rest = text
    while True:
        pair = next((pair for pair in pairs if rest.lstrip().startswith(pair[0])), None)
        if pair is None and not (opened and not thoughts):
            closing = [(rest.index(close), close) for _, close in pairs if not thoughts and close in rest]
            if not closing:
                break
            place, close = min(closing)
            thoughts.append(rest[:place])
            rest = rest[place + len(close) :]
            continue
        inside = rest.lstrip()[len(pair[0]) :] if pair is not None else rest
        ends = [(inside.index(close), close) for _, close in ([pair] if pair is not None else pairs) if close in inside]
        if not ends:
            return SplitText("".join([*thoughts, inside]).strip(), "", unclosed=True)
        place, close = min(ends)
        thoughts.append(inside[:place])
        rest = inside[place + len(close) :]
    if not thoughts:
        return SplitText(None, text)
    return SplitText("\n".join(thought.strip() for thought in thoughts), rest.lstrip())


def marks_in(*texts: str) -> tuple[Pair, ...]:
    """The pairs of marks that a template or a list of tokens knows, and the usual one."""
    return tuple(pair for pair in PAIRS if pair == THINK or any(pair[1] in text for text in texts))
