"""The stored calibration: its reader, the rule of validity, and what reports say of a probe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.calibration.probe_validity import table
from harness.core.errors import DataError
from harness.schema.probe_calibration import (
    FAIR_WORLDS,
    LEVEL,
    STRONG_WORLDS,
    Alarms,
    Calibration,
    fault_of,
    kind_of_model,
    own_calibration,
    read_calibration,
    validity,
)


def _alarms(count: int, worlds: int, low: float = 0.0, dose: float = 0.5) -> Alarms:
    return Alarms(dose=dose, worlds=worlds, alarms=count, low=low, high=1.0)


GOOD = {"slope_low": 0.5, "fair": _alarms(3, 60, 0.01), "strong": _alarms(10, 10, 0.7, 0.9)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"slope_low": -0.1}, "does not rise"),
        ({"slope_low": 0.0}, "does not rise"),
        ({"slope_low": None}, "does not rise"),
        ({"fair": _alarms(12, 60, 0.11)}, "alarms in 12 of 60"),
        ({"fair": _alarms(0, FAIR_WORLDS - 1)}, "only 39 fair"),
        ({"strong": _alarms(8, 10, 0.4, 0.9)}, "in 8 of 10 worlds only"),
        ({"strong": _alarms(9, STRONG_WORLDS - 1, 0.6, 0.9)}, "9 strongly planted"),
        ({"strong": _alarms(9, 10, 0.5, 0.9)}, None),
    ],
)
def test_a_figure_is_validated_when_it_rises_detects_and_keeps_silent(change: dict[str, object], said: str) -> None:
    fault = fault_of(**{**GOOD, **change})  # type: ignore[arg-type]
    assert fault is None if said is None else fault is not None and said in fault


@given(low=st.floats(-1, 1), rate=st.floats(0, 1), hits=st.integers(0, 10))
def test_every_requirement_is_needed(low: float, rate: float, hits: int) -> None:
    fault = fault_of(low, _alarms(30, 60, rate), _alarms(hits, 10, 0.0, 0.9))
    assert (fault is None) == (low > 0 and rate <= LEVEL and hits >= 9)


def test_the_package_has_a_calibration_whose_faults_follow_from_its_numbers() -> None:
    found = own_calibration()
    assert found.entries
    assert len({(one.probe, one.metric, one.model) for one in found.entries}) == len(found.entries)
    for one in found.entries:
        assert one.fault == fault_of(one.slope_low, one.fair, one.strong)
        assert sum(at.worlds for at in one.response) <= sum(found.worlds.values())


def test_the_page_shows_the_stored_calibration() -> None:
    page = (Path(__file__).parents[2] / "docs" / "bias.md").read_text("utf-8")
    assert table(own_calibration()) in page


def test_reports_say_what_is_validated_and_what_is_not() -> None:
    entry = next(one for one in own_calibration().entries)
    told = validity(entry.probe, entry.metric, "target", entry.model)
    assert told is not None
    assert told.valid == (entry.fault is None)
    unknown = validity("ambiguous_qa", "bbq_s_amb", "target", "masked")
    assert unknown is not None
    assert not unknown.valid
    assert unknown.sentence.startswith("not validated for masked models: ")


@pytest.mark.parametrize(
    ("metric", "direction", "role"), [("coref_accuracy[ll]", "higher", "primary"), ("tie_rate", "lower", "companion")]
)
def test_companions_are_not_marked(metric: str, direction: str, role: str) -> None:
    assert validity("coreference", metric, direction, "causal", role=role) is None


def test_a_classification_head_is_a_kind_of_its_own() -> None:
    assert kind_of_model("head", "masked") == "classifier"
    assert kind_of_model("pll_word_l2r", "masked") == "masked"
    assert kind_of_model("embed_mean", None) == "encoder"


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1, "entries": 3}'])
def test_a_damaged_file_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(DataError, match="calibration"):
        read_calibration(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(own_calibration().model_dump(mode="json")))
    assert read_calibration(path) == own_calibration()
    assert isinstance(read_calibration(path), Calibration)
