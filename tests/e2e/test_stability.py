"""What docs/stability.md promises: suites and runs of every released version are read by this one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from harness_support.release_desk import ReleaseDesk
from harness_support.released_files import RELEASED, final_version

import harness
from harness.calibration.load_calibration import load_any_suite
from harness.core import errors
from harness.schema import deprecations
from harness.schema.deprecations import Deprecation
from harness.schema.results.results_file import results_schema
from harness.storage.run_dir import RunDir

PAGE = (Path(__file__).parents[2] / "docs" / "stability.md").read_text("utf-8")
VERSIONS = sorted(path for path in RELEASED.iterdir() if path.is_dir())
OLD = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    return ReleaseDesk(tmp_path, capfd)


@pytest.fixture(params=VERSIONS, ids=lambda path: str(path.name))
def released(request: pytest.FixtureRequest, desk: ReleaseDesk) -> Path:
    """A copy of what a version wrote."""
    return Path(shutil.copytree(request.param, desk.folder / "released"))


def test_every_version_with_a_tag_has_its_files() -> None:
    assert VERSIONS
    assert final_version() in {path.name for path in VERSIONS}


def test_its_suites_are_read(released: Path, desk: ReleaseDesk) -> None:
    suites = sorted((released / "suites").glob("*.yaml"))
    assert suites
    for path in suites:
        assert load_any_suite(str(path)).name
    assert desk("validate", released / "mood.yaml").code == 0


def test_its_run_is_judged_explained_listed_rendered_and_compared(released: Path, desk: ReleaseDesk) -> None:
    run = RunDir(released / "run")
    stored = run.read_results()
    for arguments in ((), ("--from-records",)):
        assert desk("gate", run.path, *arguments).code == stored.verdict.exit_code
    assert "kept" in desk("explain", "kept", "--run", run.path).out
    listed = desk("items", run.path, "--json")
    assert listed.json["count"] == stored.evaluations[0].n
    assert desk("report", run.path).code == 0
    assert (run.path / "report.html").is_file()
    now = desk.run("mood.yaml")
    compared = desk("compare", run.path, now.path, "--json").json["comparisons"]
    (accuracy,) = [row for row in compared if row["id"] == "mood.accuracy" and "large" in row["candidate"]][:1]
    assert (accuracy["n"], accuracy["only_baseline"], accuracy["only_candidate"]) == (stored.evaluations[0].n, 0, 0)


def test_its_results_keep_their_fields(released: Path) -> None:
    before = json.loads((released / "results.schema.json").read_text("utf-8"))
    assert list(_lost(before, results_schema(), before, results_schema(), "")) == []


def _lost(old: Any, new: Any, old_root: Any, new_root: Any, path: str, depth: int = 0) -> Any:
    """Fields that the new schema lacks, or has with another type."""
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if depth > 8:
        return
    if old.get("type") not in (None, new.get("type")):
        yield f"{path}: {old.get('type')} → {new.get('type')}"
    for name, entry in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{path}.{name}"
        else:
            yield from _lost(entry, new["properties"][name], old_root, new_root, f"{path}.{name}", depth + 1)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _lost(old["items"], new["items"], old_root, new_root, f"{path}[]", depth + 1)


def _resolved(schema: Any, root: Any) -> Any:
    reference = schema.get("$ref")
    return root["$defs"][reference.rsplit("/", 1)[1]] if reference else schema


def test_a_field_that_is_lost_is_found() -> None:
    old = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    new = {"type": "object", "properties": {"a": {"type": "number"}}}
    assert list(_lost(old, new, old, new, "")) == [".a: string → number", ".b"]


def test_a_suite_and_a_run_of_0_1_0_are_read(desk: ReleaseDesk) -> None:
    folder = Path(shutil.copytree(OLD, desk.folder / "old"))
    assert desk("migrate", folder / "old-names.yaml", "--write").code == 0
    assert load_any_suite(str(folder / "old-names.yaml")).gates
    assert RunDir(folder).read_results().verdict.exit_code == desk("gate", folder, "--allow-unsealed").code


def test_exit_codes_and_python_names_are_those_of_the_page() -> None:
    codes = {name: int(code) for code, name in re.findall(r"^\| (\d+) \| `(EXIT_\w+)` \|$", PAGE, re.MULTILINE)}
    assert codes == {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    section = PAGE.split("## Python names")[1].split("##")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(harness.__all__)
    assert all(getattr(harness, name) is not None for name in harness.__all__)


def test_a_deprecated_word_is_read_under_its_new_name_with_a_warning(
    desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = Deprecation(("tasks", "*", "classification", "measures"), "metrics", "0.9", "0.11")
    monkeypatch.setattr(deprecations, "DEPRECATIONS", (renamed,))
    desk.suite("old.yaml", ("metrics: [accuracy, f1_macro]", "measures: [accuracy]"))
    said = desk("validate", "old.yaml")
    assert said.code == 0
    assert "old.yaml:7:" in said.err
    assert "the key 'measures' is called 'metrics' since 0.9; 0.11 will not read it." in said.err
    run = desk.run("old.yaml")
    assert run.read_results().evaluations[0].metrics == ["accuracy"]
    assert any("'measures' is called 'metrics'" in warning for warning in run.read_info().warnings)
    desk.suite("both.yaml", ("metrics: [accuracy, f1_macro]", "measures: [accuracy], metrics: [accuracy]"))
    assert "and both are here" in desk("validate", "both.yaml").err
