"""What a configuration of strangers may not name: kernels, code, other models, other files.

transformers acts on these by itself: it fetches an attention kernel from the hub and runs it where the package
`kernels` is installed, asks the person at the terminal whether to run the code of an inner model, looks a backbone up
on the hub, and reads another file in place of config.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from harness.core.errors import CheckpointError, Where

_WAYS = frozenset({"attn_implementation", "experts_implementation"})
_OWN = frozenset({"eager", "sdpa", "flex_attention", "grouped_mm", "batched_mm"})
"""Ways to compute that transformers holds itself."""
_INSTALLED = {
    "flash_attention_2": "flash_attn",
    "flash_attention_3": "flash_attn_interface",
    "flash_attention_4": "flash_attn",
}
"""Ways of a package; without it, transformers would fetch a kernel in its place."""


def check_names(path: Path, config: Mapping[str, object]) -> None:
    """Refuses a configuration that names what transformers would fetch, run or read elsewhere.

    `auto_map` at the top is let through: it names the folder's own code, which is never run.

    Raises:
        CheckpointError: at the first such name, and for `architectures` that are no list of names.
    """
    named = config.get("architectures")
    if named is not None and not (isinstance(named, list) and all(isinstance(name, str) for name in named)):
        raise CheckpointError(
            f"expected a list of class names as `architectures`, found {str(named)[:80]}.",
            where=Where(path),
            hint="correct it, or remove it.",
        )
    for key, value, inner in _entries(config):
        if key.removeprefix("_") in _WAYS:
            foreign = next((text for text in _texts(value) if not _is_here(text)), None)
            if foreign is not None:
                raise _refused(path, key, foreign, "computing by code from elsewhere, which is not fetched")
        elif key == "auto_map" and inner and value:
            raise _refused(path, key, value, "code for a model inside the model, which is not run")
        elif key == "backbone" and isinstance(value, str) and value:
            raise _refused(path, key, value, "another model as a part of this one, which is not fetched")
        elif key == "configuration_files" and value:
            raise _refused(path, key, value, f"other files to be read in place of {path.name}")


@contextmanager
def offline() -> Iterator[None]:
    """Keeps the hub's library from the network while a folder is loaded, whatever its files name."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _entries(config: Mapping[str, object]) -> Iterator[tuple[str, object, bool]]:
    """Every key with its value, and whether it stands below the top."""
    left: list[tuple[object, bool]] = [(config, False)]
    while left:
        value, inner = left.pop()
        if isinstance(value, Mapping):
            yield from ((str(key), inner_key, inner) for key, inner_key in value.items())
            left += [(inner, True) for inner in value.values()]
        elif isinstance(value, list):
            left += [(inner, True) for inner in value]


def _texts(value: object) -> list[object]:
    """The names in a setting: one for all parts of a model, or one for each."""
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _is_here(way: object) -> bool:
    if not isinstance(way, str):
        return way is None
    package = _INSTALLED.get(way)
    return way in _OWN or (package is not None and find_spec(package) is not None)


def _refused(path: Path, key: str, value: object, what: str) -> CheckpointError:
    return CheckpointError(
        f"`{key}` names {what}: {str(value)[:80]!r}.",
        where=Where(path),
        hint=f"remove `{key}` from a copy of the folder, if you know the model.",
    )
