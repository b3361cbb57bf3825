"""Asks the last models of a run in a process of its own, while the first ones are asked here.

Where the user gives a run one thread and the machine has another core, two models need not wait for each other. The
process is forked once torch is imported and before any model is open, so that nothing is imported twice and no thread
of a computation is lost; it is what torch's own loaders of data do. It puts records into the store, from which this
process takes them as from an earlier run: a model that is being asked is waited for, and one that the process could not
answer is asked here, where its error has its place.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from harness.core.reporter import Reporter, Silent, Task
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import BoundEvaluation
from harness.pipeline.records.grading import readings_of
from harness.pipeline.records.record_cache import RecordCache

_MOST_BYTES = 512 << 20
"""Of the weights of one model: a second one stands in memory beside the first."""
_MOST_ITEMS = 10_000
"""Beyond, minutes pass in which progress is to be seen."""
_PATIENCE = 600
"""Seconds without an answer after which the process is taken for stuck, and the system ends it."""
_PR_SET_PDEATHSIG = 1
_PARALLEL_TOKENIZERS = "TOKENIZERS_PARALLELISM"

Question = tuple[BoundEvaluation, Checkpoint]


@contextmanager
def asked_beside(cache: RecordCache, checkpoints: Mapping[str, Checkpoint]) -> Iterator[None]:
    """Asks the last models in another process while the block asks the first ones, where that is worth it.

    Args:
        checkpoints: of all models, by name.
    """
    late = _late(cache, checkpoints)
    if not late:
        yield
        return
    with tempfile.TemporaryFile() as said, _forked(cache, late, said):
        yield


def _late(cache: RecordCache, checkpoints: Mapping[str, Checkpoint]) -> list[Question]:
    """What the other process asks: all but the first model, the last one first."""
    if not _has_core() or cache.policy["device"] != "cpu":
        return []
    suite, asked = cache.prepared.suite, cache.prepared.asked
    alone = [bound for bound in asked.values() if not readings_of(bound.evaluation)]
    if max((cache.item_set(bound).n for bound in alone), default=0) > _MOST_ITEMS:
        return []
    missing: dict[str, list[Question]] = {}
    for model in cache.by_base({model: checkpoints[model] for model in suite.contenders}):
        for bound in alone if _is_small(checkpoints[model]) else ():
            if suite.asks(model, bound.name) and not cache.is_cached(bound, checkpoints[model]):
                missing.setdefault(model, []).append((bound, checkpoints[model]))
    return [question for model in [*missing][:0:-1] for question in missing[model]]


def _has_core() -> bool:
    """Whether a run has one thread, and another core is there."""
    torch = sys.modules.get("torch")
    return (
        sys.platform == "linux"
        and os.environ.get("OMP_NUM_THREADS") == "1"
        and (torch is None or torch.get_num_threads() == 1)
        and len(os.sched_getaffinity(0)) > 1
    )


def _is_small(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint has weights in its folder, and few enough that two such models are in memory at a time."""
    if checkpoint.weightless:
        return False
    sizes = {path.name: path.stat().st_size for path in checkpoint.path.iterdir() if path.is_file()}
    return any(name.endswith(".safetensors") for name in sizes) and sum(sizes.values()) <= _MOST_BYTES


@contextmanager
def _forked(cache: RecordCache, late: Sequence[Question], said: IO[bytes]) -> Iterator[None]:
    _import_once()
    parent = os.getpid()
    before = os.environ.get(_PARALLEL_TOKENIZERS)
    # The fork loses the threads of tokenizers, which says so on stderr unless it was told to have none.
    os.environ[_PARALLEL_TOKENIZERS] = "false"
    try:
        process = os.fork()
    finally:
        if before is None:
            del os.environ[_PARALLEL_TOKENIZERS]
        else:
            os.environ[_PARALLEL_TOKENIZERS] = before
    if not process:
        _ask(cache, late, said, parent)
    cache.expect(late)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        said.seek(0)
        for line in said.read().splitlines():
            _tell(line, cache.reporter)


def _import_once() -> None:
    """Imports what opening any model imports, so that it is not done in both processes."""
    from transformers import GenerationMixin, PreTrainedModel  # noqa: F401

    import harness.models.local.transformers_backend  # noqa: F401


def _ask(cache: RecordCache, late: Sequence[Question], said: IO[bytes], parent: int) -> None:
    """The forked process: never returns, and ends with the other one."""
    try:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(name, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.environ[_PARALLEL_TOKENIZERS] = "false"
        # Progress and figures are shown by the other process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if os.getppid() == parent:
            cache.reporter = _Wired(said)
            for bound, checkpoint in late:
                signal.alarm(_PATIENCE)
                cache.answer(bound, checkpoint)
    finally:  # a fault is met again by the other process, which asks what it does not find
        os._exit(0)


class _Alive:
    """A task that shows nothing; whatever it is told puts the end of the process off."""

    def advance(self, units: float = 1) -> None:
        signal.alarm(_PATIENCE)

    def note(self, text: str) -> None:
        signal.alarm(_PATIENCE)

    def total(self, units: float) -> None:
        signal.alarm(_PATIENCE)


class _Wired(Silent):
    """Writes each message as a line of JSON."""

    def __init__(self, said: IO[bytes]) -> None:
        super().__init__()
        self._said = said

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        yield _Alive()

    def info(self, text: str) -> None:
        self._write("info", text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self._write("warn", text)

    def _write(self, kind: str, text: str) -> None:
        self._said.write(json.dumps([kind, text]).encode() + b"\n")
        self._said.flush()


def _tell(line: bytes, reporter: Reporter) -> None:
    try:
        kind, text = json.loads(line)
    except ValueError:  # cut off where the process ended
        return
    if kind == "info":
        reporter.info(text)
    elif text not in reporter.warnings:
        reporter.warn(text)
