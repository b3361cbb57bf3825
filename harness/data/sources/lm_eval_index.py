"""Where the installed lm-evaluation-harness keeps its tasks: name → folders, read once per version and kept.

Its own index parses some 14,000 files, which takes many seconds; with the folders known, it parses only those.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.distribution import missing_package
from harness.core.errors import SuiteError, nearest
from harness.storage.store import Store, default_cache

KIND = "lm_eval_index"
_FILE = "index.json"


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """One name of the index.

    Attributes:
        kind: `task`, `group` or `tag`.
        file: its YAML file, relative to the package's tasks; empty for a tag, which has none.
        members: the names that a group or a tag stands for.
        inline: whether a group defines or changes tasks in its own file.
        data: the name of a task's hub data set, or of a builder of the library `datasets`; empty where code makes it.
        unsafe: whether the task runs code that a model wrote.
        equal: the figures in which the tasks of a group count alike, however many documents each has.
    """

    kind: str
    file: str
    members: tuple[str, ...] = ()
    inline: bool = False
    data: str = ""
    unsafe: bool = False
    equal: tuple[str, ...] = ()


def package_folder() -> Path:
    """The folder of the installed package.

    Raises:
        MissingPackageError: when it is not installed.
    """
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise missing_package("lm_eval", "a task of lm-evaluation-harness")
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def task_index() -> Mapping[str, TaskPlace]:
    """Every task, group and tag of the installed package."""
    tasks = package_folder() / "tasks"
    files = sorted(_stamps(tasks))

    def build(work: Path) -> dict[str, Any]:
        (work / _FILE).write_text(json.dumps(_read(tasks), sort_keys=True), encoding="utf-8")
        return {"tasks": str(len(files))}

    entry = Store(default_cache()).make(KIND, digest({"format": 4, "files": files}), build)
    rows = json.loads((entry.path / _FILE).read_text(encoding="utf-8"))
    return {
        name: TaskPlace(kind, file, tuple(members), inline, data, unsafe, tuple(equal))
        for name, (kind, file, members, inline, data, unsafe, equal) in rows.items()
    }


def place_of(name: str) -> TaskPlace:
    """Where a name stands.

    Raises:
        SuiteError: for a name that the installed version does not have, with those nearest to it.
    """
    index = task_index()
    if name not in index:
        guess = nearest(name, index)
        meant = f" Did you mean {guess!r}?" if guess else ""
        raise SuiteError(
            f"the installed lm-evaluation-harness has no task, group or tag {name!r} among its {len(index):,}.{meant}",
            hint="`lm_eval ls tasks` lists them.",
        )
    return index[name]


def leaf_tasks(name: str) -> tuple[str, ...]:
    """The tasks that a name stands for: itself, or the members of a group or tag, theirs included."""
    return tuple(dict.fromkeys(_leaves(name, set())))


def folders_of(name: str) -> tuple[str, ...]:
    """The folders whose files a name needs, relative to the package's tasks."""
    names = {name, *_reached(name, set())}
    index = task_index()
    return tuple(sorted({str(Path(index[each].file).parent) for each in names if each in index and index[each].file}))


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars and log lines of lm-eval and `datasets`, which would stand between ours."""
    import datasets
    from lm_eval.api import task as module

    logger = logging.getLogger("lm_eval")
    level, propagates, bar, bars = logger.level, logger.propagate, module.tqdm, datasets.is_progress_bar_enabled()
    module.tqdm = lambda rows, **_: rows
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        module.tqdm = bar
        logger.setLevel(level)
        logger.propagate = propagates
        if bars:
            datasets.enable_progress_bars()


def _leaves(name: str, seen: set[str]) -> list[str]:
    place = task_index().get(name)
    if place is None or place.kind == "task":
        return [name]
    if name in seen:
        return []
    return [leaf for member in place.members for leaf in _leaves(member, seen | {name})]


def _reached(name: str, seen: set[str]) -> set[str]:
    place = task_index().get(name)
    for member in () if place is None else place.members:
        if member not in seen:
            seen.add(member)
            _reached(member, seen)
    return seen


def _stamps(folder: Path) -> list[str]:
    """Name, size and time of every task file: what tells one installation from another without reading it."""
    stamps: list[str] = []
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.name.endswith(".yaml"):
                    facts = entry.stat()
                    stamps.append(f"{Path(entry.path).relative_to(folder)} {facts.st_size} {facts.st_mtime_ns}")
    return stamps


def _read(tasks: Path) -> dict[str, list[Any]]:
    from lm_eval.tasks import TaskManager

    with quiet():
        entries = TaskManager().task_index
    rows: dict[str, list[Any]] = {}
    for name, entry in entries.items():
        kind = {"GROUP": "group", "TAG": "tag"}.get(entry.kind.name, "task")
        file = "" if entry.yaml_path is None else str(Path(entry.yaml_path).relative_to(tasks))
        listed = (entry.cfg or {}).get("task") if kind == "group" else sorted(entry.tags) if kind == "tag" else []
        given = listed if isinstance(listed, list) else [listed]
        members = [member for each in given for member in _named(each)]
        inline = any(isinstance(member, dict) and len(member) > 1 for member in given)
        data = (entry.cfg or {}).get("dataset_path") if kind == "task" else None
        unsafe = bool((entry.cfg or {}).get("unsafe_code"))
        equal = _weighed_alike(entry.cfg) if kind == "group" else []
        rows[name] = [kind, file, members, inline, data if isinstance(data, str) else "", unsafe, equal]
    return rows


def _weighed_alike(group: Mapping[str, Any] | None) -> list[str]:
    """The metrics of a group that are the mean over its tasks, not over their documents."""
    listed = (group or {}).get("aggregate_metric_list") or []
    entries = [entry for entry in (listed if isinstance(listed, list) else [listed]) if isinstance(entry, dict)]
    return [str(entry["metric"]) for entry in entries if entry.get("weight_by_size") is False and "metric" in entry]


def _named(member: Any) -> list[str]:
    if isinstance(member, str):
        return [member]
    if not isinstance(member, dict):
        return []
    listed = member.get("task")
    if isinstance(listed, list):
        return [name for each in listed for name in _named(each)]
    return [str(member.get("group") or listed)]
