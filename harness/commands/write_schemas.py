"""The JSON Schemas of files that people write and read: a suite, a policy, and results.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.calibration.load_calibration import SECTION
from harness.calibration.planted_bias_spec import PlantedBiasSpec
from harness.schema.results.results_file import SHIPPED, results_schema
from harness.storage import atomic
from harness.suite.suite_schema import json_schema
from harness.suite.suite_schema import policy_schema as policy_schema


def suite_schema() -> dict[str, Any]:
    """The schema of a whole suite, with the section of those that calibrate probes."""
    return json_schema({SECTION: PlantedBiasSpec})


def write_suite_schema(path: Path) -> None:
    """Writes the schema of suites, as it stands beside the bundled suites."""
    atomic.write_text(path, json.dumps(suite_schema(), indent=1, ensure_ascii=False) + "\n")


def write_policy_schema(path: Path) -> None:
    """Writes the schema of policies, as it stands beside that of suites."""
    atomic.write_text(path, json.dumps(policy_schema(), indent=1, ensure_ascii=False) + "\n")


def write_results_schema(path: Path = SHIPPED) -> None:
    """Writes the schema of results.json, as it stands beside the module that makes it."""
    atomic.write_text(path, json.dumps(results_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n")
