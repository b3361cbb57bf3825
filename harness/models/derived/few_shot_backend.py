"""A base model behind worked examples: what it is asked through a context comes after the same fixed examples.

    prompt.json    {"format", "task", "shots": [[prompt, answer], …], "separator"}

Weights are the parent's; nothing is trained. Likelihoods of whole texts, and all else without a context, go to the
parent as they are.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.core.digests import digest
from harness.core.model import Backend, ModelFacts
from harness.core.requests import Cloze, Continuations, Generate, Request, Response, TargetLikelihood
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.checkpoint_files import PROMPT_TABLE, read_json
from harness.models.checkpoint.lineage import parent_of, read_lineage
from harness.models.checkpoint.metadata_schema import PromptPage, checked
from harness.models.open_context import OpenContext
from harness.models.open_model import opener_of
from harness.storage import atomic

PROMPT_FORMAT = 1


@dataclasses.dataclass(frozen=True, slots=True)
class FewShotPrompt:
    """Worked examples, in the order in which they stand before every question.

    Attributes:
        task: the task they are of.
        pairs: (prompt, answer); the answer follows without anything in between.
        separator: what stands after each of them.
        chat: whether they are turns of a conversation.
    """

    task: str
    pairs: tuple[tuple[str, str], ...]
    separator: str = "\n\n"
    chat: bool = False

    @property
    def text(self) -> str:
        """All examples as one text, ready to stand before a prompt."""
        return "".join(prompt + answer + self.separator for prompt, answer in self.pairs)

    def before(self, request: Request) -> Request:
        """The request with the examples before it; those without a context as they are."""
        if isinstance(request, Continuations | TargetLikelihood | Generate) and request.messages:
            turns = [turn for prompt, answer in self.pairs for turn in (("user", prompt), ("assistant", answer))]
            return dataclasses.replace(request, messages=(*turns, *request.messages))
        if isinstance(request, Continuations | TargetLikelihood):
            return dataclasses.replace(request, context=self.text + request.context)
        if isinstance(request, Generate):
            # Without this stop a model goes on with an example of its own.
            stop = tuple(dict.fromkeys([*request.stop, self.separator]))
            return dataclasses.replace(request, prompt=self.text + request.prompt, stop=stop)
        if isinstance(request, Cloze):
            return dataclasses.replace(request, text=self.text.replace("{mask}", "{ mask }") + request.text)
        return request


def write_shots(folder: Path, shots: FewShotPrompt) -> None:
    """Writes `prompt.json` into `folder`."""
    value = {
        "format": PROMPT_FORMAT,
        "task": shots.task,
        "shots": [list(pair) for pair in shots.pairs],
        "separator": shots.separator,
        "chat": shots.chat,
    }
    atomic.write_text(folder / PROMPT_TABLE, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_shots(folder: Path) -> FewShotPrompt:
    """Reads what `write_shots` wrote.

    Raises:
        CheckpointError: when the file is missing, damaged or of another format.
    """
    path = folder / PROMPT_TABLE
    page: PromptPage = checked(PromptPage, path, read_json(path))
    return FewShotPrompt(page.task, page.shots, page.separator, page.chat)


class PromptedBackend:
    """The parent, asked with examples before every context."""

    def __init__(self, shots: FewShotPrompt, parent: CachedModel, facts: ModelFacts) -> None:
        self._shots = shots
        self._parent = parent
        self._facts = facts

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def asked(self) -> CachedModel:
        """The parent, which does the work."""
        return self._parent

    @property
    def most_pending(self) -> int | None:
        """See `Backend`: the parent's."""
        return self._parent.most_pending

    def compute(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Response]]:
        """See `Backend`."""
        asked: dict[Request, list[Request]] = {}
        for request in requests:
            asked.setdefault(self._shots.before(request), []).append(request)
        for request, response in self._parent.answer(asked):
            for original in asked[request]:
                yield original, response


def open_prompted(folder: Path, context: OpenContext) -> Backend:
    """Opens the parent behind its worked examples.

    Raises:
        CheckpointError: when files are missing, or the parent is not the one that was named.
    """
    shots = read_shots(folder)
    parent = parent_of(folder, "prompted", read_lineage(folder))
    assert parent is not None
    own = checkpoint_digest(folder, context.resolve)
    base = context.resolve(parent["key"])
    backend = opener_of(base)(base, dataclasses.replace(context, labels=None))
    facts = dataclasses.replace(
        backend.facts,
        digest=own,
        labels=None,
        tag_labels=None,
        prompted_for=shots.task,
        shots=len(shots.pairs),
        answer_key={**backend.facts.answer_key, "shots": digest([list(pair) for pair in shots.pairs])},
    )
    return PromptedBackend(shots, CachedModel(backend, context.responses, context.reporter), facts)
