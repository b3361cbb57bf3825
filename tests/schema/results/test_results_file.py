from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from harness_support.stored_runs import small_info

from harness.schema.results.results_file import RESULTS_SCHEMA, SHIPPED, Results, results_schema
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.storage.run_dir import RunDir

PAGE = (Path(__file__).parents[3] / "docs" / "results.md").read_text("utf-8")


def results() -> Results:
    member = {
        "id": "1",
        "kind": "superiority",
        "metric": "a.b",
        "model": "x",
        "severity": "error",
        "verdict": "pass",
        "blocking": False,
        "sentence": "said",
        "alpha": 0.025,
    }
    return Results(
        suite="s",
        suite_digest="d",
        title="t",
        seed=0,
        baseline="base",
        candidates=["x"],
        release=["x"],
        models=[],
        data=[],
        evaluations=[],
        metrics=[],
        comparisons=[],
        flips=[],
        tables=[],
        gates=[GateResult.model_validate({**member, "id": "g", "kind": "any_of", "members": [member]})],
        verdict=VerdictResult(overall="pass", exit_code=0, sentence="ok"),
    )


def test_the_shipped_schema_is_up_to_date() -> None:
    again = 'python -c "from harness.commands.write_schemas import write_results_schema; write_results_schema()"'
    assert json.loads(SHIPPED.read_text("utf-8")) == results_schema(), f"run: {again}"


def test_what_is_written_follows_the_schema(tmp_path: Path) -> None:
    RunDir(tmp_path).write(results(), small_info())
    value = json.loads((tmp_path / "results.json").read_bytes())
    checker = jsonschema.Draft202012Validator(json.loads(SHIPPED.read_text("utf-8")))
    checker.check_schema(checker.schema)
    checker.validate(value)


@pytest.mark.parametrize(
    "change", [{"schema_version": RESULTS_SCHEMA + 1}, {"more": 1}, {"verdict": {}}, {"gates": [{"id": "g"}]}]
)
def test_other_files_do_not(change: dict[str, object]) -> None:
    value = {**json.loads(results().model_dump_json()), **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, results_schema())


def test_the_page_describes_every_key() -> None:
    missing = [key for key in results_schema()["properties"] if f"`{key}`" not in PAGE]
    assert missing == []
