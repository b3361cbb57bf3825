"""Whose gates a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from harness.commands.foreign_gates.deepeval_thresholds import read_deepeval_run, read_deepeval_tests
from harness.commands.foreign_gates.migrated_gates import MigratedGates
from harness.commands.foreign_gates.nemo_policy import is_nemo_policy, read_nemo_policy
from harness.commands.foreign_gates.promptfoo_config import is_promptfoo_config, read_promptfoo_config
from harness.core.errors import SuiteError, Where
from harness.importers.log_values import mapping
from harness.suite.yaml.located_document import decode, parse, read_bytes

Tool = Literal["harness", "nemo", "promptfoo", "deepeval"]


def migrated_gates(path: Path, tool: Tool | None, metrics: Mapping[str, str]) -> MigratedGates | None:
    """The gates of another tool in a file; None where the file is a suite of harness.

    Args:
        tool: whose file it is; found by its content when left out.
        metrics: the other tool's metric → the metric of ours that it stands for.

    Raises:
        SuiteError: when the file cannot be read, or holds nothing of the tool that is named.
    """
    if tool == "harness":
        return None
    if path.suffix == ".py":
        if tool not in (None, "deepeval"):
            raise _other(path, tool)
        return read_deepeval_tests(path)
    document = parse(decode(read_bytes(path), path), path)
    value = document.value
    if tool in (None, "nemo") and is_nemo_policy(value):
        return read_nemo_policy(document, metrics)
    if tool in (None, "promptfoo") and is_promptfoo_config(value):
        return read_promptfoo_config(document)
    if tool in (None, "deepeval") and isinstance(mapping(value).get("testCases"), list):
        return read_deepeval_run(path)
    if tool is not None:
        raise _other(path, tool)
    return None


def _other(path: Path, tool: Tool | None) -> SuiteError:
    expected = {
        "nemo": "a gate policy of NeMo Evaluator: `benchmarks`, and maybe `version` and `defaults`",
        "promptfoo": "promptfoo's configuration: `prompts`, `providers`, and `tests` or `defaultTest`",
        "deepeval": "DeepEval's test file (.py), or the JSON of a test run with `testCases`",
    }
    return SuiteError(f"expected {expected[str(tool)]}; found something else.", where=Where(path))
