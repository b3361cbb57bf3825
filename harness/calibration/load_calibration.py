"""A path or a name → a suite; with the section `planted_bias`, one that is carried out in many planted worlds.

The section is taken out of the document: the rest is a plain suite, read once. What it says of data holds `$dose` and
`$world`, which every world fills in; gates judge the probes' figures over worlds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.calibration.planted_bias_spec import PlantedBiasSpec, with_dose
from harness.calibration.planted_metrics import world_metrics
from harness.core.digests import digest
from harness.core.errors import Problems
from harness.core.metric import MetricContext
from harness.metrics.build_metrics import build_metrics
from harness.schema.suite.data_refs import DataRef
from harness.schema.suite.gate_rules import GateSet
from harness.schema.validation import validate
from harness.suite.checkpoint_series import Folders
from harness.suite.checks.metric_checks import EvaluationMetrics
from harness.suite.load_suite import build_suite, find_suite
from harness.suite.policy import PolicyText
from harness.suite.sections import SECTIONS
from harness.suite.set_values import with_values
from harness.suite.suite import Suite, suite_digest
from harness.suite.yaml.located_document import decode, parse, read_bytes

SECTION = "planted_bias"
_KEYS = (*SECTIONS[: SECTIONS.index("compare")], SECTION, *SECTIONS[SECTIONS.index("compare") :])


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSuite(Suite):
    """A suite for planted worlds; read as a plain suite, it is that of the first fair world.

    Attributes:
        planted_bias: the worlds in which all of it is carried out.
        data_template: the data as the file says, with `$dose` and `$world`.
    """

    planted_bias: PlantedBiasSpec
    data_template: Mapping[str, DataRef]

    def in_world(self, dose: float, world: int) -> Suite:
        """The suite in one planted world: its data, a seed of its own, and no gate."""
        content = {field.name: getattr(self, field.name) for field in fields(Suite)}
        content |= {
            "data": _in_world(self.data_template, dose, world),
            "seed": (self.seed + world) % 2**32,
            "gates": GateSet(),
            "gates_digest": digest(None),
            "whole": self.whole.in_world(dose, world) if isinstance(self.whole, CalibrationSuite) else None,
        }
        return Suite(**content)


def load_any_suite(path_or_name: str, values: Mapping[str, Any] | None = None) -> Suite:
    """Reads a suite by path, else by the name of a bundled one; a `CalibrationSuite` where it has planted worlds.

    Args:
        values: as in `parse_any_suite`.

    Raises:
        SuiteError: as `load_suite` does.
    """
    path = find_suite(path_or_name)
    return parse_any_suite(decode(read_bytes(path), path), path, values=values)


def parse_any_suite(
    text: str,
    path: Path,
    checkpoints: Folders | None = None,
    policies: Sequence[PolicyText] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Suite:
    """Validates the text of a suite; a `CalibrationSuite` where it has planted worlds.

    Args:
        checkpoints: those of the series of a stored run; looked for when left out.
        policies: those that hold the suite beside its own; the ones that the command is given when left out.
        values: path of keys such as `models.finetuned.finetune.epochs` → what stands there instead (`--set`).

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    document = parse(text, path)
    value, places = with_values(document, values or {})
    problems = Problems(places)
    if not isinstance(value, dict) or SECTION not in value:
        return build_suite(document, value, problems, keys=_KEYS, checkpoints=checkpoints, policies=policies)
    planted_bias = validate(PlantedBiasSpec, value[SECTION], problems.below(SECTION))
    plain = {key: part for key, part in value.items() if key != SECTION}
    suite = build_suite(document, plain, problems, keys=_KEYS, judged=over_worlds, policies=policies)
    assert planted_bias is not None
    content = {field.name: getattr(suite, field.name) for field in fields(Suite)}
    content |= {
        "data": _in_world(suite.data, planted_bias.zero, 0),
        "value": value,
        "digest": suite_digest(value),
    }
    return CalibrationSuite(**content, planted_bias=planted_bias, data_template=suite.data)


def over_worlds(own: EvaluationMetrics) -> EvaluationMetrics:
    """What gates may judge where an evaluation is repeated in planted worlds."""
    names = [name for metric in own.metrics for name in world_metrics(metric.id, metric.direction, metric.ideal)]
    return EvaluationMetrics(tuple(build_metrics(names, MetricContext()) if names else ()), True)


def _in_world(data: Mapping[str, DataRef], dose: float, world: int) -> dict[str, DataRef]:
    return {name: with_dose(ref, dose, world) for name, ref in data.items()}
