"""`harness rerun`: the same suite, data and seeds give the same figures; what differs is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support.release_desk import ReleaseDesk, rows

from harness.storage.run_dir import RunDir


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    return ReleaseDesk(tmp_path, capfd)


def test_a_run_is_reproduced_from_nothing_with_its_limit_and_overrides(
    desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.run("mood.yaml", "--limit", "30", "--seed", "5")
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(desk.folder / "empty"))
    said = desk("rerun", run.path)
    assert said.code == 0, said.err
    last = said.out.strip().splitlines()[-1]
    assert last.startswith("reproduced: all ")
    assert last.endswith(" figures and all verdicts are the same.")
    made = desk("rerun", run.path, "--json").json
    again = RunDir(desk.folder / made["run_dir"])
    assert again.path != run.path
    assert again.read_results() == run.read_results()
    assert (again.read_results().limit, again.read_info().overrides) == (30, {"seed": 5})
    assert made["figures"] > 50


def test_what_differs_is_named_with_its_cause(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    made = rows()
    for row in made[3::6]:
        row["mood"] = "bad" if row["mood"] == "good" else "good"
    desk.write_rows(made)
    said = desk("rerun", "mood")
    assert said.code == 10
    assert "data notes has changed: its digest differs." in said.out
    assert "mood.accuracy of large, value: " in said.out
    assert "beyond the tolerance" in said.out
    assert said.out.strip().splitlines()[-1].startswith("not reproduced: ")
    earlier = run.read_info()
    earlier.versions["numpy"] = "0.1"
    run.write(run.read_results(), earlier)
    assert "numpy: 0.1 → " in desk("rerun", run.path).out


def test_small_differences_are_within_the_tolerance_and_a_verdict_is_not(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    results = run.read_results()
    first, *rest = results.metrics
    assert first.interval.value is not None
    near = first.model_copy(
        update={"interval": first.interval.model_copy(update={"value": first.interval.value + 9e-5})}
    )
    run.write(results.model_copy(update={"metrics": [near, *rest]}))
    made = desk("rerun", run.path, "--resume", "--json")
    assert made.code == 0
    assert [entry["within"] for entry in made.json["changed"]] == [True]
    assert "all within the tolerance" in made.json["sentence"]
    (gate,) = results.gates
    run.write(results.model_copy(update={"gates": [gate.model_copy(update={"verdict": "fail"})]}))
    made = desk("rerun", run.path, "--resume", "--json")
    assert made.code == 10
    assert made.json["verdicts"] == ["gate kept: fail → pass."]


def test_what_no_suite_made_is_refused(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    item = run.read_items("mood")[0]
    label = "bad" if item.target == "good" else "good"
    (desk.folder / "fixes.csv").write_text(f"item_id,new_label\n{item.id},{label}\n", "utf-8")
    made = desk("relabel", run.path, "fixes.csv", "--json").json["run_dir"]
    refused = desk("rerun", made)
    assert refused.code == 2
    assert f"rerun the run that it was made from: {run.path.name}" in refused.err
