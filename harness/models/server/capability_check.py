"""What a server can do, found by asking it; and whether its log-probabilities are those of the tokens beside them.

Some servers answer `echo` with log-probabilities that belong to the next token: likelihoods from them look
sensible and are all wrong. So the log-probability of a token in a prompt is compared with that which the
server names when it generates the same token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.errors import CheckpointError, IncompleteError, unknown
from harness.model_kinds.server_kind import ServerSpec
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.server.chat_dialect import ChatDialect, chat_dialect
from harness.models.server.client import Refused, ServerClient, Unavailable
from harness.models.server.replies import Unusable, choice, echo_body, prompt_tokens

_TEXTS = (
    "The capital of France is",
    "One, two, three, four,",
    "Monday, Tuesday, Wednesday, Thursday,",
    "Once upon a time, there was a",
    "The sun rises in the",
)
_TOLERANCE = 0.25
"""Nats. Two calls may be computed in different batches and in low precision; a shifted answer differs by several."""

_VOLATILE = frozenset({"created", "permission", "permissions", "owned_by", "object"})


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server answers.

    Attributes:
        completions: texts are continued.
        likelihoods: prompts come back with log-probabilities, and they are the right ones.
        chat: how messages are sent; None where they are not answered.
        why_not: what stands in the way of likelihoods, for people.
    """

    completions: bool
    likelihoods: bool
    chat: ChatDialect | None
    why_not: str = ""


def described(client: ServerClient, model: str) -> dict[str, object]:
    """What the server says of a model in `/models`, without what changes from start to start.

    Raises:
        CheckpointError: when the server names its models and this is none of them, or refuses the key.
        IncompleteError: when it does not answer.
    """
    try:
        entries = client.get("/models").get("data")
    except Refused as refused:
        _check_key(refused)
        return {}
    except Unavailable as unavailable:
        if unavailable.status is not None and unavailable.status >= 500:
            # It is there and cannot list its models (transformers serve without a hub cache); asking them decides.
            return {}
        raise absent(unavailable) from unavailable
    listed = entries if isinstance(entries, list) else []
    served = [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    if not served:
        return {}
    for entry in served:
        if entry["id"] == model:
            return {key: value for key, value in entry.items() if key not in _VOLATILE}
    raise CheckpointError(
        unknown("model of the server", model, [str(entry["id"]) for entry in served]),
        hint="set `model` to one of these names.",
    )


def abilities(client: ServerClient, spec: ServerSpec, encoder: TextEncoder | None) -> Abilities:
    """Asks a server what it can do; a few calls of few tokens each.

    Raises:
        CheckpointError: when its log-probabilities belong to other tokens, or it refuses the key.
        IncompleteError: when it does not answer.
    """
    model = spec.model
    try:
        completions, why_not = _completes(client, model)
        can = False
        if completions and spec.likelihoods:
            why_not = _echoes(client, model, spec.prefix, encoder)
            can = not why_not
        elif completions:
            why_not = "the suite says `likelihoods: false`"
        chat, why_no_chat = chat_dialect(client, model, spec.template_variables)
    except Unavailable as unavailable:
        raise absent(unavailable) from unavailable
    if not completions and chat is None:
        raise CheckpointError(
            f"the server supports neither completions nor chat for {model!r}. Completions: {why_not}. Chat: "
            f"{why_no_chat}.",
            hint="check `url` (it ends in /v1) and `model`.",
        )
    return Abilities(completions, can, chat, why_not)


def absent(unavailable: Unavailable) -> IncompleteError:
    """The error for a server that does not answer."""
    return IncompleteError(
        f"{unavailable}.",
        hint="check that the server is running and that `url` is correct, then rerun; received answers are kept. Set "
        "`likelihoods: false` for a server that fails when asked for log-probabilities.",
    )


def _completes(client: ServerClient, model: str) -> tuple[bool, str]:
    try:
        choice(client.post("/completions", {"model": model, "prompt": _TEXTS[0], "max_tokens": 1, "temperature": 0.0}))
    except (Refused, Unusable) as problem:
        _check_key(problem)
        return False, str(problem)
    return True, ""


def _echoes(client: ServerClient, model: str, prefix: str, encoder: TextEncoder | None) -> str:
    """Empty when log-probabilities of prompts can be had and are right; otherwise why not."""
    problem = "no text was suitable for checking its log-probabilities"
    for text in _TEXTS:
        try:
            token, generated = _generated(client, model, prefix + text)
            if not token.strip():
                continue
            reply = client.post("/completions", echo_body(model, prefix + text + token))
            echoed = prompt_tokens(reply, prefix + text + token, encoder)
        except (Refused, Unusable) as error:
            problem = str(error)
            continue
        last = echoed[-1]
        if last.text != token or last.logprob is None:
            continue
        if abs(last.logprob - generated) > _TOLERANCE:
            raise CheckpointError(
                f"the server's log-probabilities of a prompt belong to other tokens: {token!r} after {text!r} has "
                f"{last.logprob:.2f} in the prompt and {generated:.2f} when it is generated.",
                hint="likelihoods from it would all be wrong. llama-cpp-python does this when it puts no BOS before "
                "the text: set `prefix` to the model's BOS token and a line break. Or set `likelihoods: false`.",
            )
        return ""
    return problem


def _generated(client: ServerClient, model: str, prompt: str) -> tuple[str, float]:
    """The likeliest next token and its log-probability, without echo."""
    body = {"model": model, "prompt": prompt, "max_tokens": 1, "temperature": 0.0, "logprobs": 1}
    logprobs = choice(client.post("/completions", body)).get("logprobs")
    if not isinstance(logprobs, Mapping):
        raise Unusable("the server returns no log-probabilities")
    tokens, values = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list) or not tokens or not values:
        raise Unusable("the server returns no log-probabilities")
    if not isinstance(tokens[0], str) or not isinstance(values[0], int | float):
        raise Unusable("the server returns no log-probabilities")
    return tokens[0], float(values[0])


def _check_key(problem: Exception) -> None:
    if isinstance(problem, Refused) and problem.status in (401, 403):
        raise CheckpointError(
            f"the server rejected the API key: {problem.message}.",
            hint="set `api_key_env` to the environment variable that holds it, and set the variable.",
        )
