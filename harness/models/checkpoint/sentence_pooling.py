"""How a folder of sentence-transformers makes one vector of a text, told from its small files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.storage import plain_files

MODULES = "modules.json"
_CONFIG = "config.json"
_POOLINGS: Mapping[str, Literal["mean", "first"]] = {"mean": "mean", "cls": "first"}
_FLAG = "pooling_mode_"
_HARMLESS = frozenset({"Transformer", "Pooling", "Normalize"})
"""What a cosine does not notice, or what harness does itself."""


@dataclass(frozen=True, slots=True)
class SentencePooling:
    """The pooling of a sentence encoder.

    Attributes:
        pooling: its own, where harness has it; None otherwise.
        notes: what is other than in sentence-transformers.
    """

    pooling: Literal["mean", "first"] | None
    notes: tuple[str, ...] = ()


def sentence_pooling(folder: Path) -> SentencePooling | None:
    """The pooling that a folder names; None where it is none of sentence-transformers.

    Raises:
        CheckpointError: when its list of modules is damaged.
    """
    if not (folder / MODULES).is_file():
        return None
    modules = _modules(folder)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    notes = [
        f"its module {kind} (sentence-transformers) is not used: vectors are those of the encoder and its pooling"
        for kind in dict.fromkeys(kinds)
        if kind not in _HARMLESS
    ]
    place = next(
        (str(module.get("path", "")) for module, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), ""
    )
    named = _mode(folder, place) if place else "mean"
    pooling = _POOLINGS.get(named)
    if pooling is None:
        notes.append(f"its own pooling is {named!r}, which harness does not have: vectors are the mean over all tokens")
    return SentencePooling(pooling, tuple(notes))


def _modules(folder: Path) -> list[Mapping[str, Any]]:
    path = folder / MODULES
    try:
        modules = plain_files.read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the file cannot be read: {error}.", where=Where(path)) from error
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise CheckpointError("expected a list of modules.", where=Where(path), hint="copy the folder again.")
    return modules


def _mode(folder: Path, place: str) -> str:
    """The pooling's name: of the newer form, or by the flags of the older one; several are joined by `+`."""
    if Path(place).name != place:
        raise CheckpointError(
            f"expected the name of a folder as the pooling's path, found {place!r}.", where=Where(folder / MODULES)
        )
    settings = read_json(folder / place / _CONFIG)
    named = settings.get("pooling_mode")
    if isinstance(named, str):
        return named
    flags = sorted(name for name, value in settings.items() if name.startswith(_FLAG) and value is True)
    modes = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
    return "+".join(modes.get(flag.removeprefix(_FLAG), flag.removeprefix(_FLAG)) for flag in flags) or "mean"
