"""A model behind an OpenAI-compatible server: asked for completions, chat answers and log-probabilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.core.model import ModelFacts
from harness.core.requests import (
    Completions,
    Continuations,
    Failure,
    Generate,
    InputMark,
    Likelihood,
    Request,
    Response,
    RollingLikelihood,
    TargetLikelihood,
    TopCompletions,
)
from harness.model_kinds.server_kind import SERVER_DECODING, ServerSpec
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.response_builders import likelihood, scores, with_inputs
from harness.models.server.capability_check import Abilities
from harness.models.server.chat_dialect import MOST_STOPS, PATH, penalties, sampling
from harness.models.server.client import CREDENTIALS, GaveUp, Refused, ServerClient, Unavailable
from harness.models.server.replies import ScoredToken, Unusable, checked, choice, echo_body, generated, prompt_tokens
from harness.models.server.worker_pool import as_ready

_UNKNOWN = ("<unk>", "[UNK]")
_TOO_LONG = ("context", "too long", "maximum", "too many tokens")


class ServerBackend:
    """Answers by calls to a server, several at a time.

    Args:
        client: the server.
        spec: the suite's entry. With `on_failure: record`, a request without an answer becomes a failed item;
            otherwise it is `unavailable`, and the run stops after the others.
        facts: what it can answer.
        able: how it is asked. Without completions, prompts go as one message of the user.
        encoder: the model's tokenizer, where the suite names one.
    """

    most_pending = 1
    """Every answer is written at once: a run that is killed pays for none twice."""

    def __init__(
        self,
        client: ServerClient,
        spec: ServerSpec,
        facts: ModelFacts,
        able: Abilities,
        encoder: TextEncoder | None,
    ) -> None:
        self.client = client
        self._model = spec.model
        self._prefix = spec.prefix
        self._keep_failures = spec.on_failure == "record"
        self._facts = facts
        self._chat = able.chat
        self._chat_only = not able.completions
        self._encoder = encoder
        self._answers: dict[str, Callable[[Any], Response]] = {
            Continuations.kind: self._continuations,
            TargetLikelihood.kind: self._target,
            RollingLikelihood.kind: self._rolling,
            Generate.kind: self._generate,
            TopCompletions.kind: self._top,
        }

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """Answers in the order in which the server does; see `Backend`."""
        asked = [request for request in requests if request.kind in self._facts.supports]
        yield from as_ready(asked, self._answer, self.client.limits.concurrency)

    def _answer(self, request: Request) -> Response:
        try:
            return self._answers[request.kind](request)
        except Refused as refused:
            if refused.status in CREDENTIALS and not self._keep_failures:
                return Failure("unavailable", refused.message)
            long = refused.status in (400, 413, 422) and any(word in refused.message.lower() for word in _TOO_LONG)
            return Failure("too_long" if long else "error", refused.message)
        except Unusable as unusable:
            return Failure("error", str(unusable))
        except Unavailable as unavailable:
            lasting = self._keep_failures and not isinstance(unavailable, GaveUp)
            return Failure("error" if lasting else "unavailable", str(unavailable))
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            # A reply is JSON of a stranger: what no check foresaw is no answer, and ends no run.
            return Failure("error", f"cannot parse the server response ({type(error).__name__}: {error})")

    def scored(self, text: str) -> list[ScoredToken]:
        """The tokens of a prompt (after the prefix) with their log-probabilities.

        Raises:
            Refused, Unavailable, Unusable: as the server behaves.
        """
        reply = self.client.post("/completions", echo_body(self._model, self._prefix + text))
        cut = len(self._prefix)
        tokens = prompt_tokens(reply, self._prefix + text, self._encoder)
        return [
            ScoredToken(max(0, token.start - cut), token.end - cut, token.text, token.logprob)
            for token in tokens
            if token.end > cut
        ]

    def _rolling(self, request: RollingLikelihood) -> Response:
        if not request.text:
            return Likelihood(0.0, 0)
        tokens = self.scored(request.text)
        total = _total(tokens)
        if total is None:
            return Failure(
                "no_token",
                "the server returns no log-probability for the first token of a text; "
                "set `prefix` to a text that goes before it, such as the model's BOS token",
            )
        read = likelihood(total, len(tokens), 0)
        if isinstance(read, Failure) or not request.details:
            return with_inputs(read, _mark(tokens))
        pieces = tuple((token.start, token.end, float(token.logprob or 0.0)) for token in tokens)
        return with_inputs(Likelihood(read.total, read.tokens, 0, pieces), _mark(tokens))

    def _target(self, request: TargetLikelihood) -> Response:
        """As for local models: from the first token that ends behind the context."""
        if request.messages:
            return Failure("unsupported", "a server cannot compute likelihoods after messages")
        if not request.target:
            return Failure("no_token", "the target is empty")
        join = len(request.context.rstrip())
        whole = self.scored(request.context + request.target)
        tokens = [token for token in whole if token.end > join]
        total = _total(tokens)
        if not tokens or total is None:
            return Failure("no_token", "the server returns no log-probability for the first token; set `prefix`")
        read = likelihood(total, len(tokens), 0)
        if isinstance(read, Failure):
            return read
        start = len(request.context)
        pieces = tuple(
            (max(0, token.start - start), max(0, token.end - start), float(token.logprob or 0.0)) for token in tokens
        )
        return with_inputs(Likelihood(read.total, read.tokens, 0, pieces), _mark(whole))

    def _continuations(self, request: Continuations) -> Response:
        """As for local models: the options of one context are scored from the first token that one changes."""
        if request.messages:
            return Failure("unsupported", "a server cannot compute likelihoods after messages")
        if not request.options or not all(request.options):
            return Failure("no_token", "an option is empty")
        tokens = [self.scored(request.context + option) for option in request.options]
        join = len(request.context.rstrip())
        starts = [next((i for i, token in enumerate(row) if token.end > join), len(row)) for row in tokens]
        if any(start == len(row) for start, row in zip(starts, tokens, strict=True)):
            return Failure("no_token", "an option has no token of its own")
        first = min(starts)
        for index, column in enumerate(zip(*(row[:first] for row in tokens), strict=False)):
            if len({(token.start, token.text) for token in column}) > 1:
                first = index
                break
        totals = [_total(row[first:]) for row in tokens]
        if any(total is None for total in totals):
            return Failure("no_token", "the server returns no log-probability for the first token; set `prefix`")
        return with_inputs(scores([total for total in totals if total is not None], 0), *map(_mark, tokens))

    def _generate(self, request: Generate) -> Response:
        refused = [name for name in request.decoding() if name not in SERVER_DECODING]
        if refused:
            return Failure("unsupported", f"a server does not carry out `{refused[0]}` (OpenAI's API has no such key)")
        if request.messages or self._chat_only:
            return self._chatted(request)
        body: dict[str, object] = {
            "model": self._model,
            "prompt": request.prompt,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
        }
        if request.temperature > 0:
            body |= sampling(request)
        body |= penalties(request)
        if request.stop:
            body["stop"] = list(request.stop[:MOST_STOPS])
        answer = generated(self.client.post("/completions", body), request, self._encoder)
        if self._encoder is None:
            return answer
        return with_inputs(answer, self._encoder.mark(self._encoder.plain([request.prompt])[0]))

    def _chatted(self, request: Generate) -> Response:
        if self._chat is None:
            return Failure("unsupported", "the server does not chat")
        if request.temperature not in (0.0, 1.0) and not self._chat.temperature:
            return Failure("unsupported", f"the server takes no temperature, and {request.temperature:g} was asked for")
        turns = request.messages or (("user", request.prompt),)
        messages = [
            {"role": role, "content": content, **(json.loads(more[0]) if more else {})}
            for role, content, *more in turns
        ]
        body = self._chat.body(self._model, messages, request)
        return generated(self.client.post(PATH, body), request, self._encoder)

    def _top(self, request: TopCompletions) -> Response:
        body = {"model": self._model, "prompt": request.text, "max_tokens": 1, "temperature": 0.0}
        logprobs = choice(self.client.post("/completions", {**body, "logprobs": request.k})).get("logprobs")
        top = logprobs.get("top_logprobs") if isinstance(logprobs, dict) else None
        if not isinstance(top, list) or not top or not isinstance(top[0], dict):
            raise Unusable("the server returns no log-probabilities of the next token")
        known = [(token, checked(value)) for token, value in top[0].items()]
        ranked = sorted(((token, value) for token, value in known if value is not None), key=lambda entry: -entry[1])[
            : request.k
        ]
        if len(ranked) < request.k:
            raise Unusable(f"the server names {len(ranked)} next tokens, {request.k} were asked for")
        return Completions(tuple(str(token) for token, _ in ranked), tuple(value for _, value in ranked))


def _mark(tokens: Sequence[ScoredToken]) -> InputMark:
    """What the server read, by the texts of its tokens."""
    return InputMark.of([token.text for token in tokens], sum(token.text in _UNKNOWN for token in tokens))


def _total(tokens: Sequence[ScoredToken]) -> float | None:
    values = [token.logprob for token in tokens]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
