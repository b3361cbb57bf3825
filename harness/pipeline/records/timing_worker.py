"""A process that holds one model and is timed (see `timing_session`): pickled messages in, pickled answers out.

First it is told which model; it answers with the model's facts. Then it gets the inputs, and visits them once for every
`visit`. Nothing is kept of what it answers: an answer that is known already would cost nothing. Both ends of the pipe
are this program, so nothing from outside is unpickled.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from harness.core.errors import HarnessError
from harness.core.requests import Failure, Request
from harness.pipeline.records.timing_messages import Opened, ToOpen, Visit

if TYPE_CHECKING:
    from harness.models.cached_model import CachedModel

LEAST_SECONDS = 0.02
"""Fast models are asked again, until a visit's parts have taken so long: shorter ones measure the clock."""


def visit(model: CachedModel, inputs: Sequence[Sequence[Request]]) -> Visit:
    """Asks every input alone, and then all of them together.

    Args:
        inputs: the requests of each.
    """
    from harness.models.peak_memory import Memory

    memory = Memory(model.facts.device)
    memory.start()
    failure: Failure | None = None
    latencies: list[float] = []
    while sum(latencies) < LEAST_SECONDS:
        for requests in inputs:
            started = time.perf_counter()
            answers = list(model.answer(requests))
            latencies.append(time.perf_counter() - started)
            failure = failure or next((answer for _, answer in answers if isinstance(answer, Failure)), None)
    before, seconds, passes = model.work, 0.0, 0
    while seconds < LEAST_SECONDS:
        started = time.perf_counter()
        for _ in model.answer(request for requests in inputs for request in requests):
            pass
        seconds += time.perf_counter() - started
        passes += 1
    tokens = model.work.since(before).tokens
    return Visit(latencies, seconds, passes * len(inputs), tokens, memory.peak(), failure)


def _opened(wanted: ToOpen) -> CachedModel:
    from harness.models.open_context import OpenContext
    from harness.models.open_model import open_model

    return open_model(wanted.source, OpenContext(wanted.parents.__getitem__, device=wanted.device))


def work(messages: IO[bytes], out: IO[bytes]) -> None:
    """Opens the model of the first message, and answers the following ones until there are no more.

    Messages are pickled: they come through a pipe from the process that started this one, never from outside.
    """

    def say(answer: Any) -> None:
        pickle.dump(answer, out)
        out.flush()

    try:
        model = _opened(pickle.load(messages))  # from the process that started this one, as all that comes by this pipe
    except HarnessError as error:
        say(Opened(None, error.message))
        return
    say(Opened(model.facts))
    inputs: Sequence[Sequence[Request]] = pickle.load(messages)  # by the same pipe
    while messages.read(1):
        say(visit(model, inputs))


if __name__ == "__main__":
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work(sys.stdin.buffer, answers)
