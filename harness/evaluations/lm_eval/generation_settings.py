"""`generation_kwargs` of an lm-eval task file → what a model is asked; read as lm-eval 0.4.13 normalizes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from harness.core.errors import SuiteError, unknown
from harness.schema.suite.generation_kwargs import GenerationKwargs

_NEW_TOKENS = 256
_LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names of the length limit; lm-eval takes the first one that is there."""
_SAMPLING = ("temperature", "top_k", "top_p", "seed")


def generation_settings(task: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the `Generate` request of a task, but for its prompt.

    Without `do_sample` a temperature above 0 samples; with `do_sample: false` the keys of sampling do nothing. With
    `do_sample: true` and no temperature it is 1, as in transformers.

    Raises:
        SuiteError: for a key that is not carried out here, or a value that cannot be.
    """
    given = {key: value for key, value in dict(task.get("generation_kwargs") or {}).items() if value is not None}
    stop = _stop(task)
    given.pop("until", None)
    limits = [given.pop(name) for name in _LENGTHS if name in given]
    for key in given:
        if key not in GenerationKwargs.model_fields:
            known = [*GenerationKwargs.model_fields, "until", *_LENGTHS]
            raise SuiteError(f"`generation_kwargs`: {unknown('key', str(key), known)}")
    try:
        temperature = float(given.get("temperature", 0.0))
        length = int(limits[0]) if limits else _NEW_TOKENS
        if given.get("do_sample") is None:
            given["do_sample"] = temperature > 0
        if given["do_sample"] is False:
            given = {key: value for key, value in given.items() if key not in _SAMPLING}
        settings = GenerationKwargs.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("generation_kwargs", *first["loc"]))
        raise SuiteError(f"`{place}`: {first['msg'].removeprefix('Value error, ')}.") from error
    except (TypeError, ValueError) as error:
        raise SuiteError(f"`generation_kwargs`: expected numbers, found {error}.") from error
    if length < 1:
        raise SuiteError(f"`generation_kwargs`: expected one new token or more, found {length}.")
    return {"max_tokens": length, "stop": stop, **settings.fields()}


def _stop(task: Mapping[str, Any]) -> tuple[str, ...]:
    """Stop strings: `until`, or lm-eval's default, what separates examples."""
    given = dict(task.get("generation_kwargs") or {})
    until = given["until"] if "until" in given else task.get("fewshot_delimiter", "\n\n")
    listed = [] if until is None else [until] if isinstance(until, str) else until
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise SuiteError(f"`generation_kwargs.until`: expected a text or a list of texts, found {until!r}.")
    return tuple(text for text in listed if text)
