"""The table of 0.1.0's names fits what is registered today, and docs/migration.md says it all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core import registry
from harness.schema import renames
from harness.schema.renames import (
    MODEL_OPTIONS,
    PROBE_OPTIONS,
    TASK_OPTIONS,
    describe_old,
    rename_figure,
    rename_metric,
    rename_statistic,
)
from harness.schema.results.renamed_results import rename_results
from harness.suite.suite_schema import json_schema

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text("utf-8")
PLAIN = ("TASKS", "PROBES", "METRICS", "MODEL_KINDS", "SECTIONS", "SUITES", "COMPARE_KEYS", "DATA_KEYS", "MODEL_KEYS")


def _pairs() -> set[tuple[str, str]]:
    tables = [getattr(renames, name) for name in PLAIN]
    tables += [names for options in (MODEL_OPTIONS, TASK_OPTIONS, PROBE_OPTIONS) for names in options.values()]
    pairs = {(old, new) for names in tables for old, new in names.items()}
    return pairs | {(f"harness {old}", f"harness {new}") for old, new in renames.COMMANDS.items()}


def test_the_page_has_every_row_and_no_other() -> None:
    rows = re.findall(r"^\|(?: .* \|)?? `([^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)
    assert set(rows) == _pairs()


def test_new_names_are_registered_and_old_ones_are_not() -> None:
    for group, names in (("tasks", renames.TASKS), ("probes", renames.PROBES), ("metrics", renames.METRICS)):
        assert set(names.values()) <= set(registry.names(group))
        assert not set(names) & set(registry.names(group))


def test_new_keys_are_in_the_schema_of_suites() -> None:
    known = {"planted_bias", *_keys(json_schema())}
    tables = [renames.MODEL_KINDS, renames.SECTIONS, renames.COMPARE_KEYS, renames.DATA_KEYS, renames.MODEL_KEYS]
    tables += [names for options in (MODEL_OPTIONS, TASK_OPTIONS, PROBE_OPTIONS) for names in options.values()]
    for names in tables:
        assert set(names.values()) <= known


def _keys(schema: Any) -> Iterator[str]:
    """Every key that the schema knows, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _keys(part)


def test_a_new_name_is_not_renamed_again() -> None:
    for name in PLAIN:
        names = getattr(renames, name)
        assert not set(names) & set(names.values())


def test_suffixes_stay_and_figures_of_probes_are_renamed_inside() -> None:
    assert rename_metric("coref_changed[ll]") == "coref_flip_rate[ll]"
    assert rename_metric("false_alarms[coref_changed[ll]]") == "false_alarm_rate[coref_flip_rate[ll]]"
    assert rename_metric("dose_slope[weat_d]") == "dose_slope[weat_effect_size]"
    assert rename_metric("f1_per_class[unfinished]") == "f1_per_class[unfinished]"
    assert rename_figure("unfinished.unfinished") == "unfinished.length_limit_rate"
    assert rename_statistic("alarm.weat_d") == "alarm.weat_effect_size"
    assert rename_statistic("exact_match") == "squad_exact_match"
    assert rename_statistic("correct") == "correct"


def test_a_word_says_everything_that_became_of_it() -> None:
    assert describe_old("generation") == (
        "'generation' is now the task 'text_generation' and the probe 'generation_bias'."
    )
    assert describe_old("accuracy") is None


def test_results_are_renamed_wherever_names_stand() -> None:
    stage = {"labels": 100, "memory": 0.1, "embedding_rate": 1.0}
    recipe = {"labels": ["bad", "good"], "mask_rate": 0.15, "mitigation": {"reweigh": {"empty_cells": 0}}}
    member = {"metric": "places.exact_match", "sentence": "places.exact_match of a is 1."}
    raw: dict[str, Any] = {
        "schema_version": 1,
        "models": [{"made_by": "baseline", "training": {"stage": stage, "recipe": recipe}}],
        "data": [{"name": "notes", "licence": "CC0-1.0"}],
        "evaluations": [
            {"role": "task", "kind": "generation", "metrics": ["unfinished"]},
            {"role": "probe", "kind": "generation", "metrics": ["toxic_share"]},
        ],
        "metrics": [{"id": "gaps.weat_p", "metric": "weat_p"}],
        "comparisons": [{"id": "gaps.weat_d", "metric": "weat_d"}],
        "gates": [{"metric": "gaps.weat_d", "sentence": "gaps.weat_d of a is 1.", "members": [member]}],
        "verdict": {"sentence": "1 failed (gaps.weat_d)."},
        "selftest": {"sentence": "exact_match holds.", "false_alarms": [{"metric": "weat_d"}], "noise": []},
    }
    before = json.dumps(raw)
    text = json.dumps(rename_results(raw))
    assert json.dumps(raw) == before
    new = json.loads(text)
    assert [entry["kind"] for entry in new["evaluations"]] == ["text_generation", "generation_bias"]
    assert new["evaluations"][1]["metrics"] == ["hurtful_text_fraction"]
    assert new["models"][0]["made_by"] == "heuristic"
    assert new["models"][0]["training"] == {
        "stage": {"max_train_rows": 100, "mlm_loss_weight": 0.1, "embedding_lr_multiplier": 1.0},
        "recipe": {
            "labels": ["bad", "good"],
            "mlm_probability": 0.15,
            "mitigation": {"reweigh": {"empty_cell_rate": 0}},
        },
    }
    assert new["gates"][0]["members"][0]["sentence"] == "places.squad_exact_match of a is 1."
    assert not re.search(r"weat_[dp]\b|licence", text)
    assert json.dumps(rename_results(new)) == text


def test_damaged_results_stay_for_the_reader_to_refuse() -> None:
    damaged: dict[str, Any] = {"models": 3, "metrics": [None, {"metric": 4}], "verdict": []}
    assert rename_results(damaged) == damaged
