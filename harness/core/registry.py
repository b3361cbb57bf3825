"""Names → implementations, by entry points.

Built-in and outside packages register the same way, in their pyproject.toml:

    [project.entry-points."harness.tasks"]
    classification = "harness.evaluations.tasks.classification:Classification"

Nothing is imported until a name is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.core.errors import SuiteError, Where, unknown

GROUPS = {
    "tasks": "task",
    "probes": "probe",
    "metrics": "metric",
    "models": "model kind",
    "sources": "data source",
    "catalogs": "catalog folder",
    "checkpoints": "folder of checkpoints",
    "suites": "suite folder",
    "report_sections": "report section",
    "importers": "importer of logs",
}


@cache
def _installed() -> Any:  # a mapping with `select` before Python 3.12, EntryPoints since
    # Reads the metadata of every installed package, which takes longer than all else here: once for all groups.
    return entry_points()


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for entry in _installed().select(group=f"harness.{group}"):
        other = points.get(entry.name)
        if other is not None and other.value != entry.value:
            raise SuiteError(
                f"two packages register the {GROUPS[group]} {entry.name!r}: {other.value} and {entry.value}.",
                hint="uninstall one of them.",
            )
        points.setdefault(entry.name, entry)
    return points


def names(group: str) -> list[str]:
    """The registered names of a group (a key of `GROUPS`), sorted."""
    return sorted(_entries(group))


def origin(group: str, name: str) -> str:
    """The distribution that registered a name, for `harness list`."""
    entry = _entries(group)[name]
    return entry.dist.name if entry.dist is not None else "?"


def load(group: str, name: str, *, where: Where | None = None) -> Any:
    """Imports and returns what is registered under `name`.

    Raises:
        SuiteError: for an unknown name (with the nearest known one), or when the registered
            module cannot be imported.
    """
    entries = _entries(group)
    if name not in entries:
        raise SuiteError(
            unknown(GROUPS[group], name, entries), where=where, hint="run `harness list` to see what is available."
        )
    try:
        return entries[name].load()
    except (ImportError, AttributeError) as error:
        raise SuiteError(
            f"the {GROUPS[group]} {name!r} ({entries[name].value}) cannot be loaded: {error}",
            where=where,
            hint=f"fix or uninstall the package {origin(group, name)!r}.",
        ) from error


def imported(path: str) -> Any:
    """Imports what stands at "module:name", as entry points write it."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
