from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from harness_support.suite_samples import OWN

from harness.commands.write_schemas import suite_schema, write_suite_schema
from harness.suite.bundled import suites
from harness.suite.yaml.located_document import parse

SUITES = Path(__file__).parents[2] / "suites"


def test_the_schema_beside_the_suites_is_up_to_date(tmp_path: Path) -> None:
    write_suite_schema(tmp_path / "schema.json")
    written = (SUITES / "suite.schema.json").read_text("utf-8")
    assert written == (tmp_path / "schema.json").read_text("utf-8"), (
        'run: python -c "from pathlib import Path; from harness.commands.write_schemas import write_suite_schema; '
        "write_suite_schema(Path('suites/suite.schema.json'))\""
    )


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(suite_schema())


@pytest.mark.parametrize("name", sorted(suites()))
def test_ready_suites_validate(name: str) -> None:
    jsonschema.validate(parse(suites()[name].read_text("utf-8"), name).value, suite_schema())


def test_a_written_suite_validates() -> None:
    jsonschema.validate(parse(OWN, "suite.yaml").value, suite_schema())


@pytest.mark.parametrize(
    "text",
    [
        "{name: a, models: {}, compare: {baseline: a}, tusks: {}}",
        "{name: a, models: {b: {load: 3}}, compare: {baseline: a}}",
        "{name: a, models: {}, compare: {baseline: a}, tasks: {t: {classification: {}}}}",
        "{name: a, models: {}, compare: {baseline: a}, gates: [{id: a, metric: a.b, kind: better}]}",
        "{name: A B, models: {}, compare: {baseline: a}}",
    ],
)
def test_wrong_suites_do_not(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse(text, "suite.yaml").value, suite_schema())


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(suite_schema())) == suite_schema()
