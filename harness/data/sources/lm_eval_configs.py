"""What the installed lm-evaluation-harness says of its tasks, and under which guards its code runs; no data is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from harness.core.digests import bytes_digest, digest
from harness.core.errors import DataError, SuiteError
from harness.data.sources.attribute_guard import replaced
from harness.data.sources.lm_eval_index import folders_of, package_folder, place_of, quiet

_LIBRARY = ("api", "filters", "prompts", "config", "utils.py", "defaults.py")


def installed_version() -> str:
    """The version of the installed package."""
    from importlib.metadata import version

    package_folder()
    return version("lm_eval")


@lru_cache(maxsize=32)
def code_digest(name: str) -> str:
    """Digest of the package's code that decides what a task asks and how it scores.

    Covers lm-eval's own library and all files of the top folders that the task's files lie in.
    """
    package = package_folder()
    tops = sorted({folder.partition(os.sep)[0] for folder in folders_of(name)})
    roots = [package / part for part in _LIBRARY] + [package / "tasks" / top for top in tops]
    files = [path for root in roots for path in ([root] if root.is_file() else sorted(root.rglob("*")))]
    held = {
        str(path.relative_to(package)): bytes_digest(path.read_bytes())
        for path in files
        if path.is_file() and path.suffix not in (".pyc", ".md")
    }
    return digest(held)


@lru_cache(maxsize=1024)
def task_config(name: str) -> Mapping[str, Any]:
    """What the file of a task says, with the functions that it names; no data is read.

    Raises:
        DataError: when the package cannot read its own file.
    """
    from lm_eval.tasks._yaml_loader import load_yaml

    place = place_of(name)
    refuse_unsafe(name, place.unsafe)
    with quiet(), installed_code_only(name), explained(name):
        return dict(load_yaml(package_folder() / "tasks" / place.file, resolve_func=True))


def generation_kwargs(name: str) -> Mapping[str, Any] | None:
    """How the file of a task says that texts are generated; None where it says nothing."""
    given = task_config(name).get("generation_kwargs")
    return given if isinstance(given, dict) else None


@contextmanager
def installed_code_only(name: str) -> Iterator[None]:
    """Refuses metrics of the library `evaluate` while code of a task runs: they are code of a folder or of the hub.

    Raises:
        SuiteError: when the task asks for one.
    """

    def refuse(path: str, *_: Any, **__: Any) -> Any:
        raise SuiteError(
            f"the task {name!r} of lm-evaluation-harness fetches the code of the metric {path!r} of `evaluate`; "
            "harness runs code of installed packages only.",
            hint="name the task's other metrics in `metrics`, or import a log that lm-eval wrote.",
        )

    with replaced("evaluate", "load", refuse):
        yield


def aggregation_of(task: str, key: str) -> Callable[[list[Any]], float]:
    """The function by which a task makes its figure of the figures of documents.

    Raises:
        DataError: when the installed version has no such figure of the task.
    """
    from lm_eval.api import registry

    config = task_config(task)
    if "class" in config:
        bare = object.__new__(config["class"])
        function = bare.aggregation().get(key)
    else:
        entries = {metric_name(entry): entry for entry in config.get("metric_list") or ()}
        given = entries.get(key, {}).get("aggregation")
        function = registry.get_aggregation(given) if isinstance(given, str) else given
        function = function or registry.get_metric_aggregation(key)
    if function is None:
        raise DataError(f"the task {task!r} of lm-evaluation-harness {installed_version()} has no figure {key!r}.")
    made: Callable[[list[Any]], float] = function
    return made


def metric_name(entry: Mapping[str, Any]) -> str:
    """The name of an entry of a task's `metric_list`."""
    metric = entry["metric"]
    return str(getattr(metric, "__name__", metric))


def refuse_unsafe(name: str, unsafe: bool) -> None:
    """Refuses a task that runs code which a model wrote.

    Raises:
        SuiteError: when it does.
    """
    if unsafe:
        raise SuiteError(
            f"the task {name!r} runs code that the model wrote, which harness does not do for tasks of "
            "lm-evaluation-harness."
        )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns whatever the package's code raises into a sentence that says whose it is."""
    try:
        yield
    except (SuiteError, DataError):
        raise
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        missing = f"the package {package!r}, which is not installed" if package else f"what is not here ({error})"
        raise SuiteError(
            f"the task {name!r} of lm-evaluation-harness needs {missing}.",
            hint="install it, or the extra that lm-evaluation-harness names for this task (`lm_eval[…]`).",
        ) from error
    except Exception as error:  # code of lm-eval's tasks and of `datasets` raises anything
        if isinstance(error.__context__, SuiteError):
            # Our own refusal, which the task's code put another error around.
            raise error.__context__ from None
        first = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"lm-evaluation-harness cannot load the task {name!r}: {type(error).__name__}: {first[:300]}",
            hint="check that its data set is reachable, or give its documents with `documents: {<split>: <file>}`.",
        ) from error
