"""Tasks of the installed lm-evaluation-harness, loaded and turned into requests by its own code.

The code comes from the installed package alone. A suite names a task, and may give files in place of its data set.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from harness.core.errors import DataError, SuiteError
from harness.data.sources.lm_eval_configs import explained, installed_code_only, refuse_unsafe, task_config
from harness.data.sources.lm_eval_index import find_place, folders_of, leaf_tasks, package_folder, place_of, quiet

SEED = 1234
"""lm-eval's seed of few-shot examples, and of NumPy."""
_MOST_LOADED = 64
"""Tasks of one suite stay loaded: their code scores the answers after all of them made their requests."""
_BUILDERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet", ".txt": "text"}


class Instance(Protocol):
    """One request of lm-eval."""

    request_type: str
    doc: Any
    args: tuple[Any, ...]
    idx: int
    doc_id: int
    repeats: int


class Filters(Protocol):
    """A named pipeline of filters over the answers of documents."""

    name: str

    def apply(self, instances: list[Any]) -> None: ...


class Task(Protocol):
    """What of lm-eval's task is used here."""

    OUTPUT_TYPE: str
    instances: list[Instance]
    _filters: list[Filters]

    def build_all_requests(self, **settings: Any) -> None: ...
    def process_results(self, doc: Any, results: list[Any]) -> dict[str, Any]: ...
    def doc_to_target(self, doc: Any) -> Any: ...
    def get_config(self, key: str) -> Any: ...
    def set_config(self, key: str, value: Any) -> None: ...
    def set_fewshot_seed(self, seed: int) -> None: ...


@dataclass(frozen=True, slots=True)
class LoadedTask:
    """A task with its requests made.

    Attributes:
        task: lm-eval's.
        requests: place of a document → its requests, in order. They hold the documents: some tasks shuffle choices
            each time that their documents are read.
    """

    task: Task
    requests: Mapping[int, Sequence[Instance]]

    def document(self, place: int) -> Any:
        """The document as the task's code sees it."""
        return self.requests[place][0].doc


@dataclass(frozen=True, slots=True)
class AskedTask:
    """What a suite says of a task.

    Attributes:
        name: of a task, a group or a tag.
        num_fewshot: number of examples; None for the task's own.
        revision: commit of the tasks' hub data sets; None where they are not pinned.
        documents: (the task's split, file) in place of its data set; `{task}` in a file stands for the task's name.
        chat: whether prompts are conversations.
        multiturn: whether examples are turns of their own in a conversation.
        system: a system message that stands before the task's description.
    """

    name: str
    num_fewshot: int | None = None
    revision: str | None = None
    documents: tuple[tuple[str, str], ...] = ()
    chat: bool = False
    multiturn: bool = True
    system: str | None = None


@lru_cache(maxsize=_MOST_LOADED)
def load_tasks(asked: AskedTask) -> Mapping[str, LoadedTask]:
    """The tasks that a name stands for, with their data, ready to be asked.

    Raises:
        SuiteError: for an unknown name, and for tasks that cannot be run here.
        DataError: when the package's code or its data set fails, with what it said.
    """
    place_of(asked.name)
    _check_data_names(asked)
    from lm_eval.tasks import TaskManager

    tasks_folder = package_folder() / "tasks"
    for name in leaf_tasks(asked.name):
        place = find_place(name)
        refuse_unsafe(name, place is not None and place.unsafe)
    with quiet(), _seeded(), installed_code_only(asked.name), explained(asked.name):
        manager = TaskManager(
            include_defaults=False, include_path=[str(tasks_folder / folder) for folder in folders_of(asked.name)]
        )
        loaded = manager.load(task_spec(asked))
        tasks: dict[str, Task] = loaded["tasks"]
        for name, task in tasks.items():
            _check(name, task)
            _with_examples(task, asked.num_fewshot)
            task.set_fewshot_seed(seed=SEED)
        return {name: LoadedTask(task, _requests(task, asked)) for name, task in tasks.items()}


def open_rows(options: dict[str, Any], base: Path) -> Iterable[Mapping[str, Any]]:
    """Documents of an installed task, each with the requests that lm-eval makes of it.

    Args:
        options: the fields of `AskedTask`, and `cluster`: the column of the documents that says which belong together.
        base: the suite's folder, where relative files are looked for.
    """
    column = options.get("cluster")
    for name, loaded in load_tasks(asked_task(options, base)).items():
        for place, instances in loaded.requests.items():
            document = instances[0].doc
            row = {
                # Words keep two rows with equal documents apart; numbers alone would be normalized away.
                "place": f"{name} document {place}",
                "task": name,
                "doc_id": place,
                "doc": json.dumps(document, default=str, sort_keys=True),
                "requests": json.dumps([[each.request_type, list(each.args)] for each in instances], default=str),
                "repeats": int(instances[0].repeats or 1),
                "target": _target(loaded.task, document),
                "split": "test",
            }
            yield row if column is None else {**row, "cluster": _cluster(document, str(column), name)}


def asked_task(options: Mapping[str, Any], base: Path) -> AskedTask:
    """What the options of the source say, with absolute paths."""
    documents = dict(options.get("documents") or {})
    files = tuple((str(split), str(base / Path(str(file)).expanduser())) for split, file in documents.items())
    return AskedTask(
        str(options["name"]),
        options.get("num_fewshot"),
        options.get("revision"),
        files,
        bool(options.get("chat")),
        bool(options.get("multiturn", True)),
        options.get("system"),
    )


def messages_of(context: str) -> list[list[str]]:
    """The conversation that `_as_messages` wrote: role and content of each turn."""
    turns: list[list[str]] = json.loads(context)
    return turns


def _as_messages(messages: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """Stands where lm-eval expects a model's chat template: keeps the conversation, which each model writes itself."""
    if not add_generation_prompt:
        raise SuiteError(
            "the task begins the model's answer itself (`gen_prefix`), which harness does not ask for in a chat.",
            hint="remove `chat: true`.",
        )
    return json.dumps([[message["role"], message["content"]] for message in messages])


def task_spec(asked: AskedTask) -> Any:
    """What lm-eval's task manager is asked to load: the name, or its tasks with other data.

    Raises:
        SuiteError: where other data cannot be given.
        DataError: for files that do not exist, or of several formats.
    """
    if not asked.documents and asked.revision is None:
        return asked.name
    leaves = leaf_tasks(asked.name)
    if made_by_code := [leaf for leaf in leaves if find_place(leaf) and "class" in task_config(leaf)]:
        raise SuiteError(
            f"the task {made_by_code[0]!r} is code of lm-evaluation-harness that reads its own data set, so that "
            "`documents` and `revision` cannot be given for it."
        )
    if place_of(asked.name).kind == "group" and any(place_of(name).inline for name in _groups(asked.name)):
        raise SuiteError(
            f"the group {asked.name!r} changes its tasks in its own file, so that `documents` and `revision` cannot "
            "be given for it.",
            hint=f"name its tasks one by one: {', '.join(leaves[:5])}{', …' if len(leaves) > 5 else ''}.",
        )
    return {"group": "asked", "task": [{"task": leaf, **_data_of(leaf, asked)} for leaf in leaves]}


def _groups(name: str) -> Iterator[str]:
    yield name
    for member in place_of(name).members:
        place = find_place(member)
        if place is not None and place.kind != "task":
            yield from _groups(member)


def _data_of(task: str, asked: AskedTask) -> dict[str, Any]:
    if not asked.documents:
        return {"dataset_kwargs": {"revision": asked.revision}}
    files = {split: file.replace("{task}", task) for split, file in asked.documents}
    kinds = set()
    for file in files.values():
        path = Path(file)
        if not path.is_file():
            raise DataError(
                f"the file of `documents` does not exist: {file!r}.", hint="paths are relative to the suite."
            )
        if path.suffix not in _BUILDERS:
            raise DataError(f"`documents`: expected a file that ends in {', '.join(_BUILDERS)}, found {file!r}.")
        kinds.add(_BUILDERS[path.suffix])
    if len(kinds) != 1:
        raise DataError(f"`documents`: expected files of one format, found {', '.join(sorted(kinds))}.")
    return {
        "dataset_path": kinds.pop(),
        "dataset_name": None,
        "custom_dataset": None,
        "dataset_kwargs": {"data_files": files},
    }


def _check_data_names(asked: AskedTask) -> None:
    """Refuses hub names that the library `datasets` would take for a folder that stands here."""
    if asked.documents:
        return
    for name in leaf_tasks(asked.name):
        place = find_place(name)
        data = "" if place is None else place.data
        if data and data not in _BUILDERS.values() and Path(data).exists():
            raise DataError(
                f"the data set {data!r} of the task {name!r} is on the hub, and there is a local folder of that name.",
                hint="run the command from another folder, or give its documents with `documents: {<split>: <file>}`.",
            )


def _check(name: str, task: Task) -> None:
    refuse_unsafe(name, getattr(task, "UNSAFE_CODE", False))
    if getattr(task, "MULTIMODAL", False):
        raise SuiteError(f"the task {name!r} uses images or audio; harness evaluates models that read text.")


def _with_examples(task: Task, wanted: int | None) -> None:
    """The number of examples by lm-eval's rule: a task whose file says 0 stays at 0."""
    own = task.get_config("num_fewshot")
    if wanted is not None and own != 0:
        task.set_config(key="num_fewshot", value=wanted)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)


def _requests(task: Task, asked: AskedTask) -> dict[int, list[Instance]]:
    task.build_all_requests(
        system_instruction=asked.system,
        apply_chat_template=asked.chat,
        fewshot_as_multiturn=asked.chat and asked.multiturn,
        chat_template=_as_messages if asked.chat else None,
    )
    grouped: dict[int, list[Instance]] = {}
    for instance in task.instances:
        grouped.setdefault(instance.doc_id, []).append(instance)
    return {place: sorted(members, key=lambda each: each.idx) for place, members in grouped.items()}


def _target(task: Task, document: Any) -> str:
    try:
        target = task.doc_to_target(document)
    except Exception:  # only shown, and a task without a target has none to show
        return ""
    return target if isinstance(target, str) else json.dumps(target, default=str)


def _cluster(document: Any, column: str, task: str) -> str:
    if not isinstance(document, Mapping) or column not in document:
        known = ", ".join(map(str, document)) if isinstance(document, Mapping) else type(document).__name__
        raise DataError(f"the documents of {task!r} have no column {column!r} for `cluster`; they have {known}.")
    return f"{task} {document[column]}"


@contextmanager
def _seeded() -> Iterator[None]:
    """lm-eval's own seeds while tasks are loaded, since some of them shuffle; ours afterwards."""
    import numpy as np

    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(SEED)
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
