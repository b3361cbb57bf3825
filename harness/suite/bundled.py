"""Bundled suites: ours, and those of outside packages.

Ours stand in the repository's `suites` folder, which is installed as the package
`harness_suites`. A package adds a folder by the entry point group `harness.suites`; its value is
a package (module) whose folder holds the YAML files.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import harness
from harness.core import registry
from harness.core.errors import SuiteError
from harness.suite.yaml.located_document import decode, parse, read_bytes

OWN_PACKAGE = "harness_suites"


def suites() -> dict[str, Path]:
    """name → file of every bundled suite, sorted by name.

    Raises:
        SuiteError: when two packages bring a suite of one name.
    """
    files: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.yaml")):
            if path.stem in files:
                raise SuiteError(
                    f"two packages provide the suite {path.stem!r}: {files[path.stem]} and {path}.",
                    hint="pass the path of the suite, or uninstall one of the packages.",
                )
            files[path.stem] = path
    return dict(sorted(files.items()))


def folders() -> list[Path]:
    """The folders of bundled suites: ours first, each once."""
    candidates = _own()
    for name in registry.names("suites"):
        candidates += _folders_of(name, registry.load("suites", name))
    return list(dict.fromkeys(folder.resolve() for folder in candidates if folder.is_dir()))


def titles() -> dict[str, str]:
    """name → title of every bundled suite; one that cannot be read says so."""
    return {name: _title(name, path) for name, path in suites().items()}


def _title(name: str, path: Path) -> str:
    try:
        value = parse(decode(read_bytes(path), path), path).value
    except SuiteError as error:
        return f"cannot be read: {error.message}"
    title = value.get("title") if isinstance(value, dict) else None
    return title if isinstance(title, str) else name


def _own() -> list[Path]:
    root = Path(harness.__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():
        return [root / "suites"]
    return _folders_of(OWN_PACKAGE, import_module(OWN_PACKAGE)) if find_spec(OWN_PACKAGE) is not None else []


def _folders_of(name: str, package: object) -> list[Path]:
    paths = getattr(package, "__path__", None)
    if paths is None:
        raise SuiteError(
            f"the suite folder {name!r} is registered as {package!r}, which is not a package.",
            hint="point its entry point at a package (a folder) that contains the YAML files.",
        )
    return [Path(path) for path in paths]
