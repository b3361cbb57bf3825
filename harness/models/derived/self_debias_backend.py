"""A language model that is made less likely to go on as a description of what it shall not write (Schick et al. 2021).

    self_debias.json    {"format", "prefixes", "decay"}

Beside each text x the model reads y·x, where y says that the text is of the unwanted kind. With Δ(w) = min over y of
p(w | x) − p(w | y·x), a token's probability becomes p(w | x)·α(Δ(w)), normalized; α(Δ) = 1 for Δ ≥ 0, else exp(λ·Δ):
what the description makes likelier is damped. Weights are the parent's; nothing is trained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.checkpoint_files import SELF_DEBIAS_TABLE, read_json, write_json
from harness.models.checkpoint.lineage import parent_of, read_lineage
from harness.models.checkpoint.metadata_schema import SelfDebiasPage, checked
from harness.models.local.batching import IntArray, Row
from harness.models.local.network import Adaptation, Network, NetworkParts
from harness.models.local.stepper import Prompt, Stepper

if TYPE_CHECKING:
    from harness.core.model import Backend
    from harness.models.open_context import OpenContext

SELF_DEBIAS_FORMAT = 1
_LEAST_ROOM = 8
_BYTES = 128 * 2**20
"""Of the distributions that are held at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class SelfDebias:
    """The settings.

    Attributes:
        prefixes: what is put before a text, each naming an unwanted kind.
        decay: λ, how strongly a token is damped.
    """

    prefixes: tuple[str, ...]
    decay: float


def write_self_debias(folder: Path, settings: SelfDebias) -> None:
    """Writes `self_debias.json` into `folder`."""
    write_json(folder / SELF_DEBIAS_TABLE, {"format": SELF_DEBIAS_FORMAT, **dataclasses.asdict(settings)})


def read_self_debias(folder: Path) -> SelfDebias:
    """Reads what `write_self_debias` wrote.

    Raises:
        CheckpointError: when the file is missing, damaged or of another format.
    """
    path = folder / SELF_DEBIAS_TABLE
    page: SelfDebiasPage = checked(SelfDebiasPage, path, read_json(path))
    if not page.prefixes:
        raise CheckpointError(
            "expected one or more prefixes, found none.", where=Where(path), hint="make the model again."
        )
    return SelfDebias(page.prefixes, page.decay)


def damped(plain: torch.Tensor, described: Sequence[torch.Tensor], decay: float) -> torch.Tensor:
    """float32[…, V] log-probabilities after damping.

    Args:
        plain: logits of the text alone.
        described: logits of the same places behind each description.
    """
    logged = torch.log_softmax(plain, dim=-1)
    shares = logged.exp()
    gaps = torch.stack([shares - torch.softmax(logits, dim=-1) for logits in described]).amin(dim=0)
    return torch.log_softmax(logged + decay * gaps.clamp(max=0.0), dim=-1)


class SelfDebiasedNetwork(Network):
    """A network whose language model answers by damped probabilities; its other heads answer as they are.

    Texts leave room for the longest description.

    Raises:
        CheckpointError: when that leaves none for a text.
    """

    def __init__(self, network: Network, settings: SelfDebias) -> None:
        self._prefixes = network.encoder.plain(list(settings.prefixes))
        self._decay = settings.decay
        longest = max(map(len, self._prefixes))
        room = None if network.max_length is None else network.max_length - longest
        if room is not None and room < _LEAST_ROOM:
            raise CheckpointError(
                f"the descriptions leave {max(0, room)} of {network.max_length} tokens for a text.",
                hint="give shorter `prefixes`.",
            )
        super().__init__(
            NetworkParts(network.base, network.language_model, network.heads, network.family),
            network.encoder,
            max_length=room,
            device=network.device,
            adapted=Adaptation(network.adapter, network.switch, network.indivisible),
        )
        self.budget = max(1, network.budget // (1 + len(self._prefixes)))

    @torch.inference_mode()
    def token_logprobs(self, rows: Sequence[Row]) -> list[FloatArray]:
        """See `Network`: of damped probabilities."""
        size = 4 * int(self.base.config.vocab_size) * (3 + len(self._prefixes))
        parts: list[FloatArray] = []
        held: list[Row] = []
        for number, row in enumerate(rows):
            held.append(row)
            after = sum(len(row.positions) for row in rows[number + 1 : number + 2])
            if not after or (sum(len(row.positions) for row in held) + after) * size > _BYTES:
                logits = self.position_logits(held)
                start = 0
                for held_row in held:
                    part = logits[start : start + len(held_row.positions)]
                    parts.append(part[self.tensor(held_row.at), self.tensor(held_row.targets)].double().cpu().numpy())
                    start += len(held_row.positions)
                held = []
        return parts

    def position_logits(self, rows: Sequence[Row]) -> torch.Tensor:
        """See `Network`: damped log-probabilities in place of logits."""
        plain = super().position_logits(rows)
        described = [
            super(SelfDebiasedNetwork, self).position_logits(self._moved(rows, description))
            for description in self._prefixes
        ]
        return damped(plain, described, self._decay)

    def decoding(self, stepper: Stepper) -> Stepper:
        """A stepper that reads every prompt behind each description as well."""
        return SelfDebiasStepper(stepper, self)

    def described(self, ids: Sequence[int], prefix: Sequence[int]) -> list[int]:
        """Token ids with a description before the text, behind special tokens that begin it."""
        head = len(self._start(ids))
        return [*ids[:head], *prefix, *ids[head:]]

    @property
    def prefixes(self) -> Sequence[Sequence[int]]:
        """Token ids of each description."""
        return self._prefixes

    def damp(self, plain: torch.Tensor, described: Sequence[torch.Tensor]) -> torch.Tensor:
        return damped(plain, described, self._decay)

    def _moved(self, rows: Sequence[Row], prefix: Sequence[int]) -> list[Row]:
        moved = []
        for row in rows:
            ids: IntArray = np.asarray(self.described(row.ids.tolist(), prefix), dtype=np.int64)
            head = len(self._start(row.ids.tolist()))
            positions = np.where(row.positions >= head, row.positions + len(prefix), row.positions)
            # The place that predicts the text's first token is the description's last one.
            positions = np.where((row.positions == head - 1) & self.causal, head - 1 + len(prefix), positions)
            moved.append(dataclasses.replace(row, ids=ids, positions=positions))
        return moved

    def _start(self, ids: Sequence[int]) -> Sequence[int]:
        special = list(self.encoder.prefix)
        if special and list(ids[: len(special)]) == special:
            return special
        return ids[:1] if not special and ids and ids[0] == self.encoder.prefix_id else []


class SelfDebiasStepper:
    """A stepper of prompts, and of the same prompts behind each description, side by side in one batch."""

    def __init__(self, inner: Stepper, network: SelfDebiasedNetwork) -> None:
        self._inner = inner
        self._network = network
        self._rows = 0
        self._copies = 1 + len(network.prefixes)

    def start(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """See `Stepper`."""
        self._rows = len(prompts)
        copies = list(prompts)
        for prefix in self._network.prefixes:
            copies += [
                dataclasses.replace(prompt, ids=self._network.described(prompt.ids, prefix)) for prompt in prompts
            ]
        return self._damped(self._inner.start(copies))

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Stepper`."""
        return self._damped(self._inner.step(tokens.repeat(self._copies)))

    def keep(self, rows: torch.Tensor) -> None:
        """See `Stepper`."""
        self._inner.keep(torch.cat([rows + number * self._rows for number in range(self._copies)]))
        self._rows = len(rows)

    def _damped(self, logits: torch.Tensor) -> torch.Tensor:
        plain, *described = [logits[n * self._rows : (n + 1) * self._rows] for n in range(self._copies)]
        return self._network.damp(plain, described)


def open_self_debiased(folder: Path, context: OpenContext) -> Backend:
    """Opens the parent with its language model damped.

    Raises:
        CheckpointError: when files are missing, the parent is not the one that was named, it has no masked or causal
            language model, or the descriptions leave no room for a text.
    """
    from harness.models.local.transformers_backend import ANSWERERS, TransformersBackend, open_transformers

    settings = read_self_debias(folder)
    own = checkpoint_digest(folder, context.resolve)
    parent = parent_of(folder, "self_debiased", read_lineage(folder))
    assert parent is not None
    backend = open_transformers(context.resolve(parent["key"]), context)
    facts = backend.facts
    if facts.language_model not in ("masked", "causal"):
        raise CheckpointError(
            f"self-debiasing needs a masked or causal language model; the parent's is {facts.language_model}.",
            where=Where(folder),
            hint="take another model under `from`.",
        )
    network = SelfDebiasedNetwork(backend.network, settings)
    kinds = ", ".join(sorted(kind.kind for kind in ANSWERERS[facts.language_model]))
    told = f"self-debiased (decay {settings.decay:g}) in {kinds}; all else is answered as its parent does"
    facts = dataclasses.replace(
        facts,
        digest=own,
        max_length=network.max_length,
        notes=(*facts.notes, told),
        answer_key={**facts.answer_key, "max_length": network.max_length},
    )
    return TransformersBackend(network, facts, context.reporter)
