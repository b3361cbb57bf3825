"""The name under which harness is published, its extras, and the sentence about a package that is missing: one home.

The folder, the command, and the import are `harness`. A package of that name on the index belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from harness.core.errors import IncompleteError, Where

DISTRIBUTION = "paired-harness"

EXTRAS: dict[str, tuple[str, ...]] = {
    "models": (
        "torch",
        "transformers",
        "datasets",
        "evaluate",
        "huggingface_hub",
        "jsonschema",
        "pandas",
        "peft",
        "referencing",
        "regex",
        "sacrebleu",
        "safetensors",
        "sklearn",
        "tokenizers",
    ),
    "hub": ("huggingface_hub", "datasets"),
    "lm-eval": ("datasets", "lm_eval"),
    "qlora": ("bitsandbytes",),
    "gguf": ("gguf",),
    "browser": ("playwright",),
    "s3": ("s3fs",),
    "gs": ("gcsfs",),
}
"""extra → the modules that it brings, as they are imported; the same names stand in pyproject.toml."""


class MissingPackageError(IncompleteError, ImportError):
    """A package of an extra is not installed."""


def installed_version() -> str:
    """The version of this distribution; `missing` where it is not installed under this name."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "missing"


def is_installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def extra_of(module: str) -> str | None:
    """The first extra that brings a module; None for a module of the core or of nobody."""
    root = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if root in modules), None)


def install_command(extras: Iterable[str]) -> str:
    """The command that adds extras to what is installed."""
    return f'pip install "{DISTRIBUTION}[{",".join(extras)}]"'


def install_hint(module: str, otherwise: str | None = None) -> str:
    """What to do where a module of an extra is missing: how to install it, or what to do instead."""
    command = f"`{install_command([extra_of(module) or ''])}`"
    return f"{command}, or {otherwise}." if otherwise else f"{command}, then rerun."


def missing_package(
    module: str, reason: str | None = None, *, where: Where | None = None, otherwise: str | None = None
) -> MissingPackageError:
    """The error about a package that is not installed.

    Args:
        module: as it is imported; a module of one of the extras.
        reason: what needs it ("the method qlora"); None for the command as a whole.
        where: the place in the suite that asks for it.
        otherwise: what to do instead of installing ("leave `quantize` out").
    """
    root = module.partition(".")[0]
    extra = extra_of(root)
    if extra is None:
        raise ValueError(f"{root} belongs to no extra")
    return MissingPackageError(
        f"{reason or 'this'} needs {root} of the extra {extra!r}, which is not installed.",
        where=where,
        hint=install_hint(root, otherwise),
    )


@contextmanager
def explained(reason: str | None = None) -> Iterator[None]:
    """Turns the import error of a package of an extra into the sentence that names the extra.

    Raises:
        MissingPackageError: when such a package is not installed.
    """
    try:
        yield
    except MissingPackageError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or extra_of(error.name) is None:
            raise
        raise missing_package(error.name, reason) from error
