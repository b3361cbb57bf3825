"""Datasets of the Hugging Face hub at a pinned commit; no remote code, imported only here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.distribution import install_command
from harness.core.errors import DataError
from harness.data.parsers.raw_row import Raw
from harness.data.sources.source_error import SourceFailed

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def check(dataset: str, revision: str) -> None:
    """Refuses names that could be local scripts, and revisions that move.

    Raises:
        DataError: when the name is not `owner/name` or that of a folder here, or the revision is not a commit.
    """
    if not _NAME.match(dataset):
        raise DataError(f"expected a hub dataset `owner/name`, found {dataset!r}.")
    if Path(dataset).exists():
        raise DataError(
            f"hub {dataset}: a local folder with this name would shadow the hub dataset.",
            hint="run from a different folder.",
        )
    if not _COMMIT.match(revision):
        raise DataError(
            f"hub {dataset}: expected a commit of 40 hexadecimal digits as `revision`, found {revision!r}.",
            hint="open the dataset's page, `Files`, `History`, and copy the commit hash; branches and tags can move.",
        )


def read(dataset: str, revision: str, config: str | None, wanted: Mapping[str, str] | None) -> dict[str, list[Raw]]:
    """Their split → rows; class labels as their names, rows without a class (-1) with None.

    Args:
        wanted: our name → their split; None for all splits.

    Raises:
        SourceFailed: when the library is missing or the hub cannot be reached.
        DataError: when a split does not exist.
    """
    check(dataset, revision)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise SourceFailed(
            f"the package datasets cannot be imported ({error}): `{install_command(['hub'])}`"
        ) from error
    try:
        loaded: Mapping[str, Any] = load_dataset(dataset, config, revision=revision)
    except Exception as error:  # the library raises many kinds for network, names and configurations
        first = str(error).splitlines()[0] if str(error) else ""
        raise SourceFailed(f"hub {dataset}: {type(error).__name__}: {first[:200]}") from error
    names = list(loaded) if wanted is None else list(dict.fromkeys(wanted.values()))
    for name in names:
        if name not in loaded:
            raise DataError(f"hub {dataset}: unknown split {name!r}; available: {', '.join(sorted(loaded))}.")
    return {name: list(_rows(loaded[name])) for name in names}


def _rows(split: Any) -> Iterator[Raw]:
    classes = {name: feature.names for name, feature in split.features.items() if hasattr(feature, "names")}
    for number, row in enumerate(split, 1):
        fields = dict(row)
        for name, labels in classes.items():
            value = fields.get(name)
            if isinstance(value, int):
                fields[name] = labels[value] if 0 <= value < len(labels) else None
        yield Raw(number, fields)
