"""Where the installed lm-evaluation-harness keeps its tasks: name → its file, its members, its folders.

Its own index of everything takes many seconds. A name is looked up in the few files that may say what it stands for;
all of them are read, once per version, only to tell what else a name could have meant.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.distribution import missing_package
from harness.core.errors import SuiteError, nearest
from harness.data.sources.lm_eval_words import FileWords
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
    """Every task, group and tag of the installed package, by its own index."""
    tasks = package_folder() / "tasks"
    files = sorted(_stamps(tasks))

    def build(work: Path) -> dict[str, Any]:
        (work / _FILE).write_text(json.dumps(_read(tasks), sort_keys=True), encoding="utf-8")
        return {"tasks": str(len(files))}

    entry = Store(default_cache()).make(KIND, digest({"format": 5, "files": files}), build)
    rows = json.loads((entry.path / _FILE).read_text(encoding="utf-8"))
    return {
        name: TaskPlace(**{**row, "members": tuple(row["members"]), "equal": tuple(row["equal"])})
        for name, row in rows.items()
    }


def place_of(name: str) -> TaskPlace:
    """Where a name stands.

    Raises:
        SuiteError: for a name that the installed version does not have, with those nearest to it.
    """
    place = find_place(name) or task_index().get(name)
    if place is None:
        index = task_index()
        guess = nearest(name, index)
        meant = f" Did you mean {guess!r}?" if guess else ""
        raise SuiteError(
            f"the installed lm-evaluation-harness has no task, group or tag {name!r} among its {len(index):,}.{meant}",
            hint="`lm_eval ls tasks` lists them.",
        )
    return place


@lru_cache(maxsize=1)
def _words() -> FileWords:
    return FileWords.read(package_folder() / "tasks")


@cache
def find_place(name: str) -> TaskPlace | None:
    """Where a name stands; None for what is no name of the package."""
    words = _words()
    if name not in words:  # none, or one that is written in quotes or with spaces
        return task_index().get(name)
    try:
        # What else these files define may be defined elsewhere first, and then counts there.
        others = {str(entry.name) for entry in _entries(words.naming([name])).values()}
        entry = _entries(words.naming({name, *others})).get(name)
    except (ImportError, AttributeError):  # another version keeps its parts elsewhere
        return task_index().get(name)
    return None if entry is None else _place(entry, package_folder() / "tasks")


def _entries(files: Iterable[Path]) -> dict[str, Any]:
    """What lm-eval's index says of files, in the order in which it reads them: the first to define a name counts."""
    from lm_eval.tasks._index import TaskIndex
    from lm_eval.tasks._yaml_loader import load_yaml

    register, entries = TaskIndex.process_cfg, dict[str, Any]()
    with quiet():
        for path in sorted((path for path in files if path.suffix == ".yaml"), key=Path.as_posix):
            try:
                register(load_yaml(path, resolve_func=False), path, entries)
            except Exception:  # lm-eval's own index leaves out what it cannot read
                continue
    return entries


def leaf_tasks(name: str) -> tuple[str, ...]:
    """The tasks that a name stands for: itself, or the members of a group or tag, theirs included."""
    return tuple(dict.fromkeys(_leaves(name, set())))


def folders_of(name: str) -> tuple[str, ...]:
    """The folders whose files a name needs, relative to the package's tasks."""
    names = {name, *_reached(name, set())}
    files = [place.file for each in names if (place := find_place(each)) is not None and place.file]
    return tuple(sorted({str(Path(file).parent) for file in files}))


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
    place = find_place(name)
    if place is None or place.kind == "task":
        return [name]
    if name in seen:
        return []
    return [leaf for member in place.members for leaf in _leaves(member, seen | {name})]


def _reached(name: str, seen: set[str]) -> set[str]:
    place = find_place(name)
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


def _read(tasks: Path) -> dict[str, dict[str, Any]]:
    from lm_eval.tasks import TaskManager

    with quiet():
        entries = TaskManager().task_index
    return {name: asdict(_place(entry, tasks)) for name, entry in entries.items()}


def _place(entry: Any, tasks: Path) -> TaskPlace:
    """What an entry of lm-eval's index says."""
    kind = {"GROUP": "group", "TAG": "tag"}.get(entry.kind.name, "task")
    settings = entry.cfg or {}
    listed = settings.get("task") if kind == "group" else sorted(entry.tags) if kind == "tag" else []
    given = listed if isinstance(listed, list) else [listed]
    data = settings.get("dataset_path") if kind == "task" else None
    return TaskPlace(
        kind,
        "" if entry.yaml_path is None else str(Path(entry.yaml_path).relative_to(tasks)),
        tuple(member for each in given for member in _named(each)),
        inline=any(isinstance(member, dict) and len(member) > 1 for member in given),
        data=data if isinstance(data, str) else "",
        unsafe=bool(settings.get("unsafe_code")),
        equal=tuple(_weighed_alike(settings)) if kind == "group" else (),
    )


def _weighed_alike(group: Mapping[str, Any]) -> list[str]:
    """The metrics of a group that are the mean over its tasks, not over their documents."""
    listed = group.get("aggregate_metric_list") or []
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
