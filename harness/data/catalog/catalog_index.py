"""The list of datasets: one YAML file each, ours and those of outside packages.

A package adds a folder of entries by the entry point group `harness.catalogs`; its value is a
package (module) whose folder holds the YAML files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core import registry
from harness.core.errors import DataError, Where, unknown
from harness.data.catalog.catalog_schema import CatalogEntry


def names() -> list[str]:
    """The names of all entries, sorted."""
    return sorted(_files())


def entry(name: str, *, where: Where | None = None) -> CatalogEntry:
    """The entry of a name.

    Raises:
        DataError: for an unknown name (with the nearest), or an entry that is not valid.
    """
    files = _files()
    if name not in files:
        raise DataError(
            unknown("catalog entry", name, files), where=where, hint="run `harness data list` to see all entries."
        )
    return read(files[name])


@cache
def read(path: Path) -> CatalogEntry:
    """Reads one entry file.

    Raises:
        DataError: when it is not YAML, or not an entry; the message names the key at fault.
    """
    try:
        value = _yaml(path)
        entry = CatalogEntry.model_validate(value)
    except ValidationError as error:
        notes = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise DataError("not a valid catalog entry.", where=Where(path), notes=notes, hint="see docs/data.md") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the catalog entry: {error}", where=Where(path)) from error
    if entry.name != path.stem:
        raise DataError(
            f"expected the name {path.stem!r} to match the file name, found {entry.name!r}.", where=Where(path)
        )
    return entry


def _yaml(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except YAMLError as error:
        raise ValueError(str(error)) from error


@cache
def _files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name in registry.names("catalogs"):
        module = registry.load("catalogs", name)
        folder = Path(module.__file__).parent
        for path in sorted(folder.glob("*.yaml")):
            if path.stem in files:
                raise DataError(
                    f"two packages have a catalog entry {path.stem!r}: {files[path.stem]} and {path}.",
                    hint=f"uninstall one of them (`harness list` shows where {name!r} comes from).",
                )
            files[path.stem] = path
    return files
