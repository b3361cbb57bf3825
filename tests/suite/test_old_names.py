"""Suites with names of 0.1.0: errors at their lines, and their text rewritten in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.calibration.load_calibration import parse_any_suite
from harness.core.errors import SuiteError
from harness.schema import renames
from harness.suite.bundled import suites
from harness.suite.load_suite import load_suite, parse_suite
from harness.suite.old_names import migrate_text, renames_of
from harness.suite.override import override
from harness.suite.yaml.located_document import Key, parse

FIXTURES = Path(__file__).parents[1] / "fixtures" / "suites_0_1_0"
SUITES = sorted(suites().items())


def _flipped(names: renames.Names) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _old_metric(name: str) -> str:
    base, bracket, rest = name.partition("[")
    base = _flipped(renames.METRICS).get(base, base)
    if bracket and base in renames.OF_FIGURES:
        rest = _old_metric(rest[:-1]) + "]"
    return base + bracket + rest


def _with_keys(value: Any, names: renames.Names) -> Any:
    flipped = _flipped(names)
    return {flipped.get(key, key): part for key, part in value.items()} if isinstance(value, dict) else value


def _old_evaluation(evaluation: dict[str, Any], kinds: renames.Names, options: Any) -> dict[str, Any]:
    (kind,) = evaluation
    old = _flipped(kinds).get(kind, kind)
    given_options = _with_keys(evaluation[kind], options.get(old, {}))
    if isinstance(given_options, dict) and "metrics" in given_options:
        given_options = {**given_options, "metrics": [_old_metric(name) for name in given_options["metrics"]]}
    return {old: given_options}


def _old_gates(value: Any) -> Any:
    if isinstance(value, list):
        return [_old_gates(member) for member in value]
    if not isinstance(value, dict):
        return value
    made = {key: _old_gates(part) for key, part in value.items()}
    if isinstance(made.get("metric"), str):
        evaluation, _, metric = made["metric"].partition(".")
        made["metric"] = f"{evaluation}.{_old_metric(metric)}"
    return made


def _old_model(model: dict[str, Any]) -> dict[str, Any]:
    options = renames.MODEL_OPTIONS
    model = {key: _with_keys(part, options.get(key, {})) for key, part in model.items()}
    return _with_keys(_with_keys(model, renames.MODEL_KINDS), renames.MODEL_KEYS)


def old_suite(value: dict[str, Any]) -> dict[str, Any]:
    """A suite of today as 0.1.0 would have it: the table backward."""
    made = dict(value)
    made["models"] = {name: _old_model(model) for name, model in value["models"].items()}
    made["data"] = {name: _with_keys(ref, renames.DATA_KEYS) for name, ref in value.get("data", {}).items()}
    made["compare"] = _with_keys(value["compare"], renames.COMPARE_KEYS)
    for section, kinds, options in (
        ("tasks", renames.TASKS, renames.TASK_OPTIONS),
        ("probes", renames.PROBES, renames.PROBE_OPTIONS),
    ):
        made[section] = {name: _old_evaluation(entry, kinds, options) for name, entry in value.get(section, {}).items()}
    made["gates"] = _old_gates(value.get("gates", []))
    return _with_keys(made, renames.SECTIONS)


def _text(value: Any, flow: st.DataObject, depth: int = 0) -> str:
    """YAML of a value: at every collection block or flow style, at every text plain or quoted."""
    if isinstance(value, str):
        plain = value.replace("_", "").isalnum() and not value[0].isdigit() and value not in ("true", "false", "null")
        quote = flow.draw(st.sampled_from(["plain", "double", "single"])) if plain or "." in value else "double"
        if quote == "plain" and plain:
            return value
        # YAML folds the line breaks of a quoted text, so only escapes of double quotes keep them.
        one_line = "'" not in value and "\n" not in value
        return f"'{value}'" if quote == "single" and one_line else json.dumps(value)
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value)
    if depth > 4 or flow.draw(st.booleans()):
        parts = [
            f"{_text(key, flow)}: {_text(part, flow, 9)}" if isinstance(value, dict) else _text(part, flow, 9)
            for key, part in (value.items() if isinstance(value, dict) else enumerate(value))
        ]
        return "{" + ", ".join(parts) + "}" if isinstance(value, dict) else "[" + ", ".join(parts) + "]"
    pad = "  " * depth
    lines = []
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        head = f"{_text(key, flow)}:" if isinstance(value, dict) else "-"
        inner = _text(part, flow, depth + 1)
        lines.append(f"\n{pad}{head}{'' if inner.startswith(chr(10)) else ' '}{inner}   # kept")
    return "".join(lines)


@settings(max_examples=40)
@given(st.data())
def test_a_suite_of_0_1_0_in_any_style_migrates_to_todays(data: st.DataObject) -> None:
    name, path = data.draw(st.sampled_from(SUITES))
    value = parse(path.read_text("utf-8"), path).value
    text = _text(old_suite(value), data)
    migration = migrate_text(text, "old.yaml")
    today = {"data": {}, "tasks": {}, "probes": {}, "gates": [], **value}
    assert migration.left == ()
    assert parse(migration.text, "new.yaml").value == today, name
    assert migration.text.count("# kept") == text.count("# kept")
    assert len(migration.text.splitlines()) == len(text.splitlines())
    again = migrate_text(migration.text, "new.yaml")
    assert again.text == migration.text
    assert again.renames == ()


def renamed(value: Any) -> Any:
    """A suite's data under the new names; the order of keys is kept. The first of two keys that meet wins."""
    at_key = {rename.path: rename.new for rename in renames_of(value) if rename.at_key}
    at_value = {rename.path: rename.new for rename in renames_of(value) if not rename.at_key}

    def walk(part: Any, path: tuple[Key, ...]) -> Any:
        if isinstance(part, dict):
            pairs = [
                (at_key.get((*path, key), key), walk(child, (*path, key)))
                for key, child in part.items()
                if at_key.get((*path, key), key) != ""
            ]
            return dict(reversed(list(dict(reversed(pairs)).items())))
        if isinstance(part, list):
            return [walk(child, (*path, index)) for index, child in enumerate(part)]
        return at_value.get(path, part)

    return walk(value, ())


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.old.yaml")), ids=lambda path: path.stem)
def test_fixtures_migrate_to_the_letter(path: Path) -> None:
    migration = migrate_text(path.read_text("utf-8"), path)
    expected = path.with_name(path.name.replace(".old.", ".new.")).read_text("utf-8")
    assert migration.text == expected
    assert parse(migration.text, path).value == renamed(parse(path.read_text("utf-8"), path).value)


def test_every_old_name_is_an_error_at_its_line() -> None:
    path = FIXTURES / "flow.old.yaml"
    with pytest.raises(SuiteError) as caught:
        load_suite(str(path))
    text = str(caught.value)
    count = len(list(renames_of(parse(path.read_text("utf-8"), path).value)))
    assert len(caught.value.notes) == count - 1
    assert "flow.old.yaml:6:48: the key 'labels' has a new name: 'max_train_rows'." in text
    assert text.count("harness migrate") == 1
    assert "squad_exact_match (SQuAD's rules), or exact_match_strict" in text
    assert "text_generation (the task; the probe is generation_bias)" in text


def test_two_names_for_one_key_are_left_for_a_person() -> None:
    text = "name: a\nmodels: {}\ncompare: {baseline: a, ways: [b], base_variants: [c]}\n"
    migration = migrate_text(text, "a.yaml")
    assert migration.text == text
    ((rename, reason),) = migration.left
    assert (rename.old, reason) == ("ways", "'base_variants' is there as well; keep one of the two")


def test_an_escaped_name_is_left_for_a_person() -> None:
    text = 'gates:\n  - {id: a, metric: "a.weat\\u005fd"}\n'
    migration = migrate_text(text, "a.yaml")
    assert migration.text == text
    assert len(migration.left) == 1


def test_line_ends_and_a_name_that_stands_twice_in_a_line_are_kept() -> None:
    text = "probes:\r\n  amplification: {amplification: {on: amplification, metrics: [amplification]}}\r\n"
    assert migrate_text(text, "a.yaml").text == (
        "probes:\r\n  amplification: {bias_amplification: {on: amplification, metrics: [bias_amplification]}}\r\n"
    )


def test_a_suite_that_has_another_name_says_so() -> None:
    with pytest.raises(SuiteError, match="'summarisation' is called 'summarization' now"):
        load_suite("summarisation")


def test_only_says_what_became_of_a_word() -> None:
    with pytest.raises(SuiteError) as caught:
        override(load_suite("qa"), only=["extractive_qa"])
    assert "'extractive_qa' is now the task 'question_answering'." in str(caught.value)


def test_a_suite_of_today_has_no_old_name() -> None:
    for _, path in SUITES:
        parse_any_suite(path.read_text("utf-8"), path)


@pytest.mark.parametrize(
    ("given", "migrated"),
    [
        ("{source: generated, options: {generator: planted_world, part: corpus}}", "{part: corpus}}"),
        ("{source: generated, options: {part: corpus, generator: planted_world}}", "{part: corpus}}"),
        ('{"source": "generated", "options": {"generator": "planted_world", "p": 0.9}}', '{"p": 0.9}}'),
        ("\n    source: generated\n    options:\n      generator: planted_world\n      part: corpus", "part: corpus"),
    ],
)
def test_the_old_spelling_of_the_planted_world_is_named_and_rewritten(
    given: str, migrated: str, tmp_path: Path
) -> None:
    text = f"name: old\ndata:\n  world: {given}\n"
    document = parse(text, "s.yaml")
    assert [rename.message for rename in renames_of(document.value)] == [
        "the data source 'generated' has a new name: 'planted_world'.",
        "the option 'generator' is no longer there; remove it.",
    ]
    migration = migrate_text(text, "s.yaml")
    assert migrated in migration.text
    assert "generat" not in migration.text
    assert parse(migration.text, "s.yaml").value == renamed(document.value)
    with pytest.raises(SuiteError, match="'generated' has a new name: 'planted_world'"):
        parse_suite(text, tmp_path / "s.yaml")


def test_other_generators_keep_their_spelling() -> None:
    text = "name: s\ndata: {w: {source: generated, options: {generator: own_pairs}}}\n"
    assert migrate_text(text, "s.yaml").text == text
