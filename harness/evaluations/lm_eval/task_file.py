"""Task files of lm-evaluation-harness: YAML with `include`, and never with code.

They are YAML 1.1, as lm-eval's own reader takes them: an unquoted `no` is false.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import SuiteError, Where, unknown

OUTPUT_TYPES = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until")
_USED = frozenset(
    {
        *("dataset_path", "dataset_name", "dataset_kwargs", "output_type", "description"),
        *("training_split", "validation_split", "test_split", "fewshot_split", "fewshot_config", "num_fewshot"),
        *("doc_to_text", "doc_to_target", "doc_to_choice", "target_delimiter", "fewshot_delimiter"),
        *("metric_list", "generation_kwargs", "filter_list"),
    }
)
_WITHOUT_EFFECT = frozenset(
    {
        *("task", "task_alias", "tag", "group", "metadata", "should_decontaminate"),
        *("doc_to_decontamination_query", "unsafe_code"),
    }
)
_MOST_BYTES = 1_000_000
_DEEPEST = 10


def read_task(path: Path) -> dict[str, Any]:
    """The task that a file describes, with what it includes; only keys that change answers are kept.

    Raises:
        SuiteError: for a missing file, wrong YAML, `!function`, unknown keys, and keys that need code.
    """
    return checked(_read(path, 0), Where(path))


def checked(value: dict[str, Any], where: Where | None) -> dict[str, Any]:
    """The keys of a task that change answers.

    Raises:
        SuiteError: for keys that are unknown, need code, or are not supported.
    """
    for key in value:
        if key not in _USED and key not in _WITHOUT_EFFECT and not _is_default(key, value[key]):
            raise SuiteError(
                f"the key {key!r} of lm-eval's task files is not supported here."
                if key in _UNSUPPORTED
                else unknown("key of a task file", str(key), _USED | _UNSUPPORTED),
                where=where,
                hint="see docs/lm-eval.md for the supported keys, or rewrite the task as a harness task.",
            )
    kind = value.get("output_type", "generate_until")
    if kind not in OUTPUT_TYPES:
        raise SuiteError(unknown("output_type", str(kind), OUTPUT_TYPES), where=where)
    if "doc_to_target" not in value or (kind != "loglikelihood_rolling" and "doc_to_text" not in value):
        raise SuiteError("the task has no `doc_to_text` or no `doc_to_target`.", where=where)
    if kind == "multiple_choice" and "doc_to_choice" not in value:
        raise SuiteError("a multiple_choice task needs `doc_to_choice`.", where=where)
    if "test_split" not in value and "validation_split" not in value:
        raise SuiteError("the task has neither `test_split` nor `validation_split`.", where=where)
    kept = {key: value[key] for key in sorted(value) if key in _USED}
    return {**kept, "output_type": kind}


_UNSUPPORTED = frozenset(
    {
        *("process_docs", "process_results", "custom_dataset", "use_prompt", "gen_prefix", "repeats", "class"),
        *("doc_to_image", "doc_to_audio"),
    }
)


def _is_default(key: str, value: Any) -> bool:
    return key in _UNSUPPORTED and (value is None or (key == "repeats" and value == 1))


def _read(path: Path, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise SuiteError(f"task files include each other more than {_DEEPEST} deep.", where=Where(path))
    value = _yaml(path)
    if not isinstance(value, dict):
        raise SuiteError("expected a mapping, as a task file of lm-eval is.", where=Where(path))
    included = value.pop("include", None)
    base: dict[str, Any] = {}
    for name in included if isinstance(included, list) else [included] if included else []:
        if not isinstance(name, str):
            raise SuiteError(f"expected a file's name as `include`, found {name!r}.", where=Where(path))
        base |= _read(path.parent / name, depth + 1)
    return {**base, **value}


def _yaml(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SuiteError(f"a task file has at most {_MOST_BYTES} bytes.", where=Where(path))
        reader = YAML(typ="safe", pure=True)
        reader.version = "1.1"
        return reader.load(path.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        raise SuiteError(
            f"cannot read the task file: {type(error).__name__}.",
            where=Where(path),
            hint="the path is relative to the suite file.",
        ) from error
    except YAMLError as error:
        text = " ".join(str(error).split())
        if "!function" in text:
            raise SuiteError(
                "`!function` refers to Python code, which harness does not run.",
                where=Where(path),
                hint="write the step as a Jinja template, or preprocess the data.",
            ) from error
        raise SuiteError(f"the task file is not valid YAML: {text[:200]}", where=Where(path)) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SuiteError(f"the task file is not valid YAML: {error}", where=Where(path)) from error
