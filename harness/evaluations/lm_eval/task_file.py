"""Task files of lm-evaluation-harness: YAML with `include`, and never with code.

They are YAML 1.1, as lm-eval's own reader takes them: an unquoted `no` is false.
"""

from __future__ import annotations

from collections.abc import Mapping
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
_HINT = "see docs/lm-eval.md for the supported keys, or rewrite the task as a harness task."
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
                hint=_HINT,
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
    _check_examples(value.get("fewshot_config"), where)
    _check_filters(value.get("filter_list"), str(kind), where)
    _check_generation(value, str(kind), where)
    kept = {key: value[key] for key in sorted(value) if key in _USED}
    return {**kept, "output_type": kind}


_UNSUPPORTED = frozenset(
    {
        *("process_docs", "process_results", "custom_dataset", "use_prompt", "gen_prefix", "repeats", "class"),
        *("doc_to_image", "doc_to_audio"),
    }
)


_EXAMPLES = frozenset(
    {
        *("sampler", "split", "samples", "fewshot_indices", "doc_to_text", "doc_to_target", "doc_to_choice"),
        *("fewshot_delimiter", "target_delimiter"),
    }
)
_AGGREGATIONS = {
    "perplexity": "perplexity",
    "word_perplexity": "weighted_perplexity",
    "byte_perplexity": "weighted_perplexity",
    "bits_per_byte": "bits_per_byte",
    **{name: name for name in ("f1", "brier_score", "bleu", "chrf", "ter")},
}
"""How lm-eval aggregates a metric; `mean` where it is not here."""
OF_EXACT_MATCH = frozenset({"ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"})
FILES_OWN_KEYS = frozenset({"metric", "aggregation", "higher_is_better", "hf_evaluate"})
"""Keys of an entry of `metric_list` that are no options of the metric."""


def check_metric(entry: Mapping[str, Any], name: str) -> None:
    """Refuses what an entry of `metric_list` asks for and is not carried out.

    Raises:
        SuiteError: naming the key, or the way in which values are aggregated.
    """
    known = FILES_OWN_KEYS | (OF_EXACT_MATCH if name == "exact_match" else frozenset())
    for key in entry:
        if key not in known or (key == "hf_evaluate" and entry[key]):
            raise SuiteError(f"`metric_list`, {name}: the key {key!r} is not supported here.", hint=_HINT)
    wanted = _AGGREGATIONS.get(name, "mean")
    if str(entry.get("aggregation", wanted)) != wanted:
        raise SuiteError(
            f"`metric_list`, {name}: the aggregation {str(entry['aggregation'])!r} is not supported here, only "
            f"{wanted!r}.",
            hint=_HINT,
        )


def _check_examples(given: Any, where: Where | None) -> None:
    """Refuses what `fewshot_config` asks for and is not carried out."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise SuiteError(f"expected a mapping as `fewshot_config`, found {given!r}.", where=where)
    for key, value in given.items():
        if key not in _EXAMPLES and value is not None:
            raise SuiteError(f"`fewshot_config`: {unknown('key', str(key), _EXAMPLES)}", where=where, hint=_HINT)
    samples = given.get("samples")
    if samples is not None and not (isinstance(samples, list) and all(isinstance(doc, Mapping) for doc in samples)):
        raise SuiteError("`fewshot_config.samples`: expected a list of documents.", where=where)
    indices = given.get("fewshot_indices")
    if indices is not None and not (isinstance(indices, list) and all(type(index) is int for index in indices)):
        raise SuiteError(
            f"`fewshot_config.fewshot_indices`: expected a list of numbers, found {indices!r}.", where=where
        )


def _check_filters(listed: Any, kind: str, where: Where | None) -> None:
    """Refuses keys of `filter_list` that are not carried out, and filters where no text is written."""
    for entry in listed or () if isinstance(listed, list) else ():
        extra = [key for key in entry if key not in ("name", "filter")] if isinstance(entry, Mapping) else []
        if extra:
            raise SuiteError(f"`filter_list`: the key {extra[0]!r} is not supported here.", where=where, hint=_HINT)
        steps = entry.get("filter") if isinstance(entry, Mapping) else None
        for step in steps if isinstance(steps, list) else ():
            if kind != "generate_until" and isinstance(step, Mapping) and step.get("function") != "take_first":
                raise SuiteError(
                    f"`filter_list` of a {kind} task: the filter {step.get('function')!r} is not supported here.",
                    where=where,
                    hint=_HINT,
                )


def _check_generation(value: Mapping[str, Any], kind: str, where: Where | None) -> None:
    if value.get("generation_kwargs") is not None and not isinstance(value["generation_kwargs"], Mapping):
        raise SuiteError(
            f"expected a mapping as `generation_kwargs`, found {value['generation_kwargs']!r}.", where=where
        )
    if value.get("generation_kwargs") and kind != "generate_until":
        raise SuiteError(f"`generation_kwargs` has no effect in a {kind} task.", where=where, hint="remove it.")


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
