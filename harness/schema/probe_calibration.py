"""What is known of each probe as an instrument: its calibration on planted worlds, as it stands with the package.

`benchmarks/calibration.py` makes calibration.json beside this file. A probe's figure is validated for a kind of model
when it rises with the planted dose, detects the strong dose, and does not alarm oftener than it may where nothing is
planted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.errors import DataError, Where
from harness.schema.validation import in_short

CALIBRATION_FORMAT = 1
LEVEL = 0.05
"""How often a probe may alarm where nothing is planted."""
POWER = 0.9
"""In which share of strongly planted worlds a probe must alarm, and of how many at least."""
STRONG_WORLDS = 10
FAIR_WORLDS = 40
"""Fewer fair worlds cannot tell a rate of 5% from one of 20%."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DoseResponse(_Strict):
    """A figure at one dose: its mean over worlds with a 95% t interval, which one world does not have."""

    dose: float
    worlds: int
    mean: float
    low: float | None
    high: float | None


class Alarms(_Strict):
    """In how many worlds a figure alarmed; the share's exact 95% interval (Clopper and Pearson 1934)."""

    dose: float
    worlds: int
    alarms: int
    low: float
    high: float


class Calibrated(_Strict):
    """The calibration of one figure of one probe for one kind of model.

    Attributes:
        probe: the probe's kind, `minimal_pairs`.
        metric: the metric's id with its scorer.
        model: `masked`, `causal`, `seq2seq`, `encoder`, `classifier`.
        rule: `interval`: it alarms where its own 95% interval excludes the ideal; `line`: a figure without ideal
            alarms above the value that 95% of other fair worlds stay below.
        line: that value, over all fair worlds.
        slope: least squares over worlds, with its 95% interval (worlds of one seed resampled together).
        fair, strong: alarms where nothing is planted, and at the strong dose (on the planted side).
        fault: why it is not validated; None when it is.
    """

    probe: str
    metric: str
    model: str
    rule: Literal["interval", "line"]
    line: float | None
    response: tuple[DoseResponse, ...]
    slope: float
    slope_low: float | None
    slope_high: float | None
    fair: Alarms
    strong: Alarms
    fault: str | None


class Calibration(_Strict):
    """All of calibration.json."""

    format: int
    command: str
    suite: str
    worlds: dict[str, int]
    entries: tuple[Calibrated, ...]


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a figure is validated for a kind of model, and a sentence that says so."""

    valid: bool
    model: str
    sentence: str


def read_calibration(path: Path | None = None) -> Calibration:
    """The calibration of the package, or of another file.

    Raises:
        DataError: when it is missing, damaged or of another format.
    """
    place = Path(str(files("harness.schema").joinpath("probe_calibration.json"))) if path is None else path
    try:
        value = json.loads(place.read_text("utf-8"))
        if not isinstance(value, dict) or value.get("format") != CALIBRATION_FORMAT:
            raise ValueError(f"expected the format {CALIBRATION_FORMAT}")
        return Calibration.model_validate(value)
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(
            f"cannot read the calibration of the probes: {in_short(error)}",
            where=Where(place),
            hint="rebuild it with `python benchmarks/calibration.py result`.",
        ) from error


@cache
def own_calibration() -> Calibration:
    """The package's own, read once."""
    return read_calibration()


def fault_of(slope_low: float | None, fair: Alarms, strong: Alarms) -> str | None:
    """Why a figure with these findings is not validated; None when it is."""
    if strong.worlds < STRONG_WORLDS or fair.worlds < FAIR_WORLDS:
        return f"only {fair.worlds} fair and {strong.worlds} strongly planted worlds were tried"
    if slope_low is None or slope_low <= 0:
        return "it does not rise with the planted dose"
    if fair.low > LEVEL:
        return f"it alarms in {fair.alarms} of {fair.worlds} worlds where nothing is planted"
    if strong.alarms < POWER * strong.worlds:
        return f"it detects the dose {strong.dose:g} in {strong.alarms} of {strong.worlds} worlds only"
    return None


def kind_of_model(protocol: str, language_model: str | None) -> str:
    """The kind of model that a probe was calibrated for: by its head where that answers, else by its language model."""
    if protocol == "head":
        return "classifier"
    return language_model or "encoder"


def validity(
    probe: str,
    metric: str,
    direction: str,
    model: str,
    calibration: Calibration | None = None,
    *,
    role: str = "primary",
) -> Validity | None:
    """What the calibration says of a figure; None for companions, which say nothing of bias themselves."""
    if direction == "higher" or role != "primary":
        return None
    entries = (own_calibration() if calibration is None else calibration).entries
    for entry in entries:
        if (entry.probe, entry.metric, entry.model) == (probe, metric, model):
            if entry.fault is not None:
                return Validity(False, model, f"not validated for {model} models: {entry.fault}.")
            return Validity(
                True,
                model,
                f"validated for {model} models on planted worlds: "
                f"found in {entry.strong.alarms} of {entry.strong.worlds} "
                f"worlds with the dose {entry.strong.dose:g}, "
                f"false alarms in {entry.fair.alarms} of {entry.fair.worlds}.",
            )
    return Validity(False, model, f"not validated for {model} models: never calibrated on planted bias.")
