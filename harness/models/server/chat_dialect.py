"""Which parameters a chat endpoint takes, found by asking it.

Services refuse parameters of each other's: reasoning models take `max_completion_tokens` instead of `max_tokens`, no
`stop`, and no temperature but their own. What is refused is left out where that changes nothing that cannot be made
up for here, and said where it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.core.requests import Generate
from harness.models.server.client import Refused, ServerClient
from harness.models.server.replies import Unusable, choice

PATH = "/chat/completions"
_LIMITS = ("max_tokens", "max_completion_tokens")
_PROBE_TOKENS = 16
"""Services that think before they answer refuse limits within which nothing could be said."""
_PROBE_STOP = "\n\n\n"
_SEEDS = 1 << 31
MOST_STOPS = 4


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """How one chat endpoint is asked.

    Attributes:
        limit: what it calls the limit on the length of an answer.
        temperature: whether it takes one; otherwise every answer is drawn at the service's own.
        stop: whether it takes texts that end an answer; otherwise the answer is cut here.
        variables: of its chat template, sent along.
    """

    limit: str = _LIMITS[0]
    temperature: bool = True
    stop: bool = True
    variables: Mapping[str, object] | None = None

    def body(self, model: str, messages: Sequence[Mapping[str, object]], request: Generate) -> dict[str, object]:
        """The JSON of a request."""
        made: dict[str, object] = {"model": model, "messages": messages, self.limit: request.max_tokens}
        if self.temperature:
            made["temperature"] = request.temperature
        if request.temperature > 0:
            made |= sampling(request)
        made |= penalties(request)
        if request.stop and self.stop:
            made["stop"] = list(request.stop[:MOST_STOPS])
        variables = {**(self.variables or {}), **(json.loads(request.form.variables) if request.form.variables else {})}
        if variables:
            made["chat_template_kwargs"] = variables
        if request.form.tools:
            made["tools"] = json.loads(request.form.tools)
        return made

    def without(self, name: str) -> ChatDialect | None:
        """The dialect that leaves out what the endpoint refuses; None where it leaves nothing more to try."""
        if name == self.limit and name == _LIMITS[0]:
            return replace(self, limit=_LIMITS[1])
        if name == "temperature" and self.temperature:
            return replace(self, temperature=False)
        if name == "stop" and self.stop:
            return replace(self, stop=False)
        return None

    @property
    def key(self) -> dict[str, object]:
        """What of it changes answers; nothing for the plain dialect."""
        plain = {"limit": _LIMITS[0], "temperature": True, "stop": True}
        own = {"limit": self.limit, "temperature": self.temperature, "stop": self.stop}
        changed = {name: value for name, value in own.items() if value != plain[name]}
        return {"chat": changed} if changed else {}

    @property
    def notes(self) -> list[str]:
        """What a reader of the answers must know."""
        notes = []
        if not self.temperature:
            notes.append(
                "the chat endpoint takes no temperature: its answers are drawn at the service's own, so asking again "
                "may give others"
            )
        if self.limit != _LIMITS[0]:
            notes.append(f"the chat endpoint takes {self.limit}, which counts hidden reasoning too")
        if not self.stop:
            notes.append("the chat endpoint takes no stop texts: answers are cut at them after they are written")
        return notes


def sampling(request: Generate) -> dict[str, object]:
    """What names the random draw of a request."""
    return {"top_p": request.top_p, "seed": (request.seed * 1_000_003 + request.sample) % _SEEDS}


def penalties(request: Generate) -> dict[str, object]:
    """The penalties of a request that are not at their default."""
    return {name: value for name, value in request.decoding().items() if name.endswith("_penalty")}


def chat_dialect(client: ServerClient, model: str, variables: Mapping[str, object]) -> tuple[ChatDialect | None, str]:
    """Asks a chat endpoint what it takes; a few short calls.

    Returns:
        The dialect, or None and why there is no chat.

    Raises:
        Unavailable: when the server does not answer.
    """
    dialect = ChatDialect(variables=variables or None)
    request = Generate(max_tokens=_PROBE_TOKENS, stop=(_PROBE_STOP,))
    messages = [{"role": "user", "content": "Say yes."}]
    while True:
        try:
            choice(client.post(PATH, dialect.body(model, messages, request)))
        except Unusable as unusable:
            return None, str(unusable)
        except Refused as refused:
            changed = next(
                (made for name in _refused(refused) if (made := dialect.without(name)) is not None),
                None,
            )
            if changed is None:
                return None, refused.message
            dialect = changed
        else:
            return dialect, ""


def _refused(refused: Refused) -> list[str]:
    """The parameters that a refusal is about: the one that it names as such, else those in its text."""
    if refused.status not in (400, 422):
        return []
    names = ("max_tokens", "temperature", "stop")
    if refused.parameter in names:
        return [refused.parameter]
    return [name for name in names if re.search(rf"\b{name}\b", refused.message)]
