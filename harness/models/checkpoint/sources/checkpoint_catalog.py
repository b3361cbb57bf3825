"""Checkpoints by name (`load: catalog:NAME`): one YAML file each, ours and those of outside packages.

The files of a checkpoint are members of a package in the user's package index, pinned by digest; the
package is never installed or imported. A package of someone else adds a folder of entries by the entry point
group `harness.checkpoints`; its value is a module whose folder holds the YAML files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath

from pydantic import Field, ValidationError, field_validator

from harness.core import registry
from harness.core.errors import CheckpointError, Where, unknown
from harness.data.sources.source_specs import PackageArchive
from harness.schema.suite.types import Strict


class ModelEntry(Strict):
    """A checkpoint of a catalog.

    Attributes:
        archive: where its files are; the members' names are those in the checkpoint's folder. One
            member that ends in `.gguf` is a whole checkpoint, and is converted.
        configuration: the sizes in its config.json, from which `plan` tells times before it is fetched.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    what: str
    license: str
    citation: str
    caveats: list[str] = Field(default_factory=list)
    archive: PackageArchive
    configuration: dict[str, str | int] = Field(default_factory=dict)

    @field_validator("archive")
    @classmethod
    def _plain_names(cls, archive: PackageArchive) -> PackageArchive:
        for name in archive.members:
            if PurePosixPath(name).name != name or name.startswith(".") or "\\" in name:
                raise ValueError(f"expected the name of a file, found {name!r}")
        if any(name.endswith(".gguf") for name in archive.members) and len(archive.members) != 1:
            raise ValueError("a GGUF file stands alone: it holds configuration and tokenizer")
        return archive

    @property
    def gguf(self) -> bool:
        return any(name.endswith(".gguf") for name in self.archive.members)


def names() -> list[str]:
    """The names of all entries, sorted."""
    return sorted(_files())


def entry(name: str, *, where: Where | None = None) -> ModelEntry:
    """The entry of a name.

    Raises:
        CheckpointError: for an unknown name (with the nearest), or an entry that is not valid.
    """
    files = _files()
    if name not in files:
        raise CheckpointError(
            unknown("checkpoint of the catalog", name, files),
            where=where,
            hint="`harness list checkpoints` shows them all.",
        )
    return _read(files[name])


@cache
def _read(path: Path) -> ModelEntry:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entry = ModelEntry.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except ValidationError as error:
        notes = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise CheckpointError(
            "this is not a checkpoint of a catalog.", where=Where(path), notes=notes, hint="see docs/models.md"
        ) from None
    except (OSError, UnicodeError, YAMLError) as error:
        raise CheckpointError(f"cannot read the catalog entry: {error}", where=Where(path)) from error
    if entry.name != path.stem:
        raise CheckpointError(f"expected the name {path.stem!r} as in the file's name.", where=Where(path))
    return entry


@cache
def _files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for source in registry.names("checkpoints"):
        module = registry.load("checkpoints", source)
        for path in sorted(Path(module.__file__).parent.glob("*.yaml")):
            if path.stem in files:
                raise CheckpointError(
                    f"two packages have a checkpoint {path.stem!r}: {files[path.stem]} and {path}.",
                    hint="uninstall one of them.",
                )
            files[path.stem] = path
    return files
