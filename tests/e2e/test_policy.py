"""Policies on the command line: what an organization asks holds a suite whatever the suite or its command line says."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from harness_support.page_reader import whole_page
from harness_support.release_desk import ReleaseDesk

from harness.suite.policies_in_force import VARIABLE

ASKED = """\
name: board
gates:
  - {id: no-loss, metric: mood.accuracy, kind: non_inferiority, margin: 0.1, min_n: 20}
"""
INCLUDED = ("gates:\n", "policy: {file: policy.yaml, digest: DIGEST}\ngates:\n")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return ReleaseDesk(tmp_path, capfd)


def policy(desk: ReleaseDesk, text: str = ASKED, name: str = "policy.yaml") -> str:
    """Writes a policy and gives its digest."""
    (desk.folder / name).write_text(text, "utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def including(desk: ReleaseDesk, text: str = ASKED, *changes: tuple[str, str]) -> str:
    """Writes a policy and `held.yaml`, which includes it; gives the digest."""
    digest = policy(desk, text)
    desk.suite("held.yaml", (INCLUDED[0], INCLUDED[1].replace("DIGEST", digest)), *changes)
    return digest


def verdicts(results: Any) -> dict[str, str]:
    return {gate.id: gate.verdict for gate in results.gates}


def test_an_included_policy_is_judged_and_named_everywhere(desk: ReleaseDesk) -> None:
    digest = including(desk)
    run = desk.run("held.yaml")
    results = run.read_results()
    assert verdicts(results) == {"no-loss": "pass", "kept": "pass"}
    (named,) = results.policies
    assert (named.name, named.digest, named.file, named.given) == ("board", digest, "policy.yaml", "suite")
    assert [gate.policy for gate in results.gates] == ["board", None]
    assert results.gates[0].where == "policy.yaml:3"
    origin = f"Held to the policy board (policy.yaml, SHA-256 {digest[:12]}…, included by the suite)"
    for name in ("comment.md", "summary.md"):
        text = (run.path / name).read_text("utf-8")
        assert origin in text
        assert "no-loss (policy board)" in text
    assert f"board (policy.yaml, SHA-256 {digest[:12]}" in (run.path / "junit.xml").read_text("utf-8")
    page = whole_page((run.path / "report.html").read_text("utf-8"))
    assert f"SHA-256 <code>{digest}</code>, included by the suite" in page
    assert "of the policy board" in page
    said = desk("explain", "no-loss", "--run", run.path)
    assert "the policy board (policy.yaml:3); a suite may make it stricter, never looser" in " ".join(said.out.split())


def test_a_policy_holds_a_suite_that_names_none(desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(desk)
    stricter = ASKED.replace("margin: 0.1,", "margin: 0.0001,").replace("min_n: 20", "min_n: 39")
    policy(desk, stricter.replace("board", "ci"), "ci.yaml")
    loose = desk.run("mood.yaml")
    assert verdicts(loose.read_results()) == {"kept": "pass"}
    by_option = desk.run("mood.yaml", "--policy", "policy.yaml")
    assert verdicts(by_option.read_results()) == {"no-loss": "pass", "kept": "pass"}
    assert by_option.read_results().policies[0].given == "command"
    monkeypatch.setenv(VARIABLE, str(desk.folder / "ci.yaml"))
    # what the option gives is added to the variable, and never takes its place: the stricter rule holds
    both = desk.run("mood.yaml", "--policy", "policy.yaml").read_results()
    assert [held.name for held in both.policies] == ["ci", "board"]
    assert {gate.id: gate.policy for gate in both.gates} == {"no-loss": "ci", "kept": None}
    judged = desk("gate", loose.path)
    assert "no-loss" in judged.out
    assert judged.code in (10, 11)
    assert "no-loss" in desk("explain", "--run", loose.path).out
    assert os.environ[VARIABLE] == str(desk.folder / "ci.yaml")


@pytest.mark.parametrize("command", ["run", "plan", "validate", "gate", "explain", "compare", "lock"])
def test_a_policy_that_is_not_there_stops_every_command(
    desk: ReleaseDesk, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.run("mood.yaml")
    arguments: dict[str, list[str | Path]] = {
        "gate": ["gate", run.path],
        "explain": ["explain", "--run", run.path],
        "compare": ["compare", run.path, run.path, "--suite", "mood.yaml"],
    }
    asked = arguments.get(command, [command, "mood.yaml"])
    for value in ("", "missing.yaml"):
        monkeypatch.setenv(VARIABLE, value)
        said = desk(*asked)
        assert said.code == 2
        assert "nothing is judged without it" in said.err
    monkeypatch.delenv(VARIABLE)
    said = desk(*asked, "--policy", "missing.yaml")
    assert said.code == 2
    assert "the policy 'missing.yaml' (of --policy or HARNESS_POLICY) cannot be read" in said.err


def test_a_looser_suite_is_refused_before_anything_runs(desk: ReleaseDesk) -> None:
    including(desk, ASKED, ("{id: kept,", "{id: no-loss,"))
    said = desk("run", "held.yaml")
    assert said.code == 2
    assert "the gate 'no-loss' is looser than the policy board asks (policy.yaml:3:" in said.err
    assert "margin 0.2 in place of 0.1" in said.err
    assert not (desk.folder / "reports").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--limit", "30"], "`--limit 30` evaluates a part of the items"),
        (["--set", "data.notes.limit=30"], "`--set data.notes.limit=…` changes what is judged"),
        (["--set", "models.small.classical.max_train_rows=12"], "`--set models.small.classical.max_train_rows=…`"),
        (["--set", "compare.candidates=[large]"], "`--set compare.candidates=…` changes what is judged"),
        (["--only", "small"], "`--only small` leaves out the model large"),
        (["--baseline-run", "RUN"], "replaces the baseline"),
    ],
)
def test_the_command_line_leaves_its_gates_unjudged_and_never_green(
    desk: ReleaseDesk, options: list[str], reason: str
) -> None:
    including(desk)
    earlier = desk.run("mood.yaml") if "RUN" in options else None
    given = [str(earlier.path) if option == "RUN" and earlier else option for option in options]
    run = desk.run("held.yaml", *given)
    (gate,) = [gate for gate in run.read_results().gates if gate.policy == "board"]
    assert gate.verdict == "error"
    assert reason in gate.sentence
    assert run.read_results().verdict.exit_code == 12
    # and so it stays when the run is judged again
    again = desk("gate", run.path)
    assert again.code == 12
    assert reason in again.out


def test_the_command_line_may_change_what_is_judged_by_nothing(desk: ReleaseDesk) -> None:
    including(desk)
    run = desk.run("held.yaml", "--set", "models.large.classical.seed=1", "--seed", "5", "--set", "title=Words")
    assert verdicts(run.read_results()) == {"no-loss": "pass", "kept": "pass"}
    said = desk("run", "held.yaml", "--set", "policy=none")
    assert said.code == 2
    assert "it cannot be set" in said.err


def test_a_stored_run_stays_held_whatever_becomes_of_the_file(desk: ReleaseDesk) -> None:
    including(desk, ASKED.replace("margin: 0.1,", "margin: 0.0001,").replace("min_n: 20", "min_n: 39"))
    run = desk.run("held.yaml")
    assert verdicts(run.read_results())["no-loss"] != "pass"
    (desk.folder / "policy.yaml").unlink()
    desk.suite("loose.yaml")
    for arguments in (
        ["gate", run.path],
        ["gate", run.path, "--suite", "loose.yaml"],
        ["gate", run.path, "--from-records"],
    ):
        said = desk(*arguments)
        assert said.code in (10, 11), said.out + said.err
        assert "no-loss" in said.out
    written = desk("gate", run.path, "--suite", "loose.yaml", "--write")
    assert written.code in (10, 11)
    assert run.read_results().policies[0].name == "board"
    compared = desk("compare", run.path, run.path, "--model", "small=large", "--suite", "loose.yaml")
    assert compared.code in (10, 11)
    info = json.loads(run.info_path.read_text("utf-8"))
    info["policies"][0]["text"] += " "
    run.info_path.write_text(json.dumps(info), "utf-8")
    assert desk("gate", run.path).code == 2


def test_the_lock_pins_policies_and_refuses_set(desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = including(desk)
    assert desk("lock", "held.yaml").code == 0
    assert json.loads((desk.folder / "held.lock").read_text("utf-8"))["policies"] == {"board": digest}
    assert desk("run", "held.yaml", "--locked").code == 0
    said = desk("run", "held.yaml", "--locked", "--set", "models.large.classical.ngrams=1")
    assert said.code == 13
    assert "--set models.large.classical.ngrams=1: a locked run is the suite as it is written" in said.err
    policy(desk, ASKED.replace("board", "ci").replace("no-loss", "ci-loss"), "ci.yaml")
    monkeypatch.setenv(VARIABLE, "ci.yaml")
    said = desk("run", "held.yaml", "--locked")
    assert said.code == 13
    assert "policy ci: new, not locked" in said.err
    assert desk("lock", "held.yaml").code == 0
    assert desk("run", "held.yaml", "--locked").code == 0
    monkeypatch.delenv(VARIABLE)
    said = desk("run", "held.yaml", "--locked")
    assert said.code == 13
    assert "policy ci: locked, now missing" in said.err
    including(desk, ASKED.replace("0.1,", "0.15,"))
    said = desk("run", "held.yaml", "--locked")
    assert said.code == 13
    assert "section policy: locked" in said.err


def test_required_evaluations_are_asked_of_every_released_model(desk: ReleaseDesk) -> None:
    asks = "name: board\nrequire: {tasks: {mood: {}, other: {}}}\n"
    other = "  other: {language_modeling: {data: notes, text: text}}\n"
    tasks = ("tasks: {mood: {classification: {data: notes, metrics: [accuracy, f1_macro]}}}\n",)
    both = f"tasks:\n  mood: {{classification: {{data: notes, metrics: [accuracy, f1_macro]}}}}\n{other}"
    including(desk, asks)
    said = desk("run", "held.yaml")
    assert said.code == 2
    assert "the policy board requires tasks.other: {} (policy.yaml:2:" in said.err
    including(desk, asks, (tasks[0], both))
    # a bag of words is no language model: nobody released answers the other one
    run = desk.run("held.yaml")
    (missing,) = [gate for gate in run.read_results().gates if gate.kind == "required"]
    assert missing.verdict == "error"
    assert missing.blocking
    assert "requires the evaluation other, which large did not answer" in missing.sentence
    assert run.read_results().verdict.exit_code == 12
    left = desk.run("held.yaml", "--only", "mood").read_results()
    assert "requires the evaluation other, which was not asked" in left.gates[-1].sentence
    assert left.verdict.exit_code == 12


def test_rows_are_those_that_it_names(desk: ReleaseDesk) -> None:
    fingerprint = desk.run("mood.yaml").read_results().data[0].fingerprint
    including(desk, f"{ASKED}fingerprints: {{notes: {fingerprint[:16]}}}\n")
    run = desk.run("held.yaml")
    assert run.read_results().verdict.exit_code == 0
    lines = (desk.folder / "notes.csv").read_text("utf-8").splitlines()
    (desk.folder / "notes.csv").write_text("\n".join(lines[:-1]) + "\n", "utf-8")
    said = desk("run", "held.yaml")
    assert said.code == 2
    assert f"names rows with the fingerprint {fingerprint[:12]} for the data 'notes'; found " in said.err
    policy(desk, f"{ASKED}fingerprints: {{notes: {'f' * 16}}}\n".replace("board", "ci"), "ci.yaml")
    said = desk("gate", run.path, "--policy", "ci.yaml")
    assert said.code == 2
    assert "nothing is judged on other rows" in said.err


def test_relabeled_items_are_not_judged_by_it(desk: ReleaseDesk) -> None:
    including(desk)
    run = desk.run("held.yaml")
    listed = desk("items", run.path, "--csv").out.splitlines()
    head = listed[0].split(",")
    cells = listed[1].split(",")
    label, new = head.index("label"), head.index("new_label")
    cells[new] = "good" if cells[label] == "bad" else "bad"
    (desk.folder / "fixes.csv").write_text("\n".join([listed[0], ",".join(cells)]) + "\n", "utf-8")
    said = desk("relabel", run.path, "fixes.csv")
    assert said.code == 12
    assert "`harness relabel` changed labels; the policy board judges the suite as it is written" in said.out


def test_plan_and_validate_know_it(desk: ReleaseDesk) -> None:
    digest = policy(desk)
    assert "no-loss" in desk("plan", "mood.yaml", "--policy", "policy.yaml").out
    said = desk("validate", "policy.yaml", "mood.yaml")
    assert said.code == 0
    assert f"valid policy board: 1 gate; no waivers of its gates. Its digest: {digest}" in said.out
    policy(desk, ASKED.replace("margin", "margn"))
    said = desk("validate", "policy.yaml")
    assert said.code == 2
    assert "policy.yaml:3:" in said.err
    assert desk("schema", "--policy").json["title"] == "harness policy"


def test_a_run_is_blessed_under_the_policies_in_force(desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.run("mood.yaml")
    policy(desk)
    monkeypatch.setenv(VARIABLE, "policy.yaml")
    said = desk("bless", run.path, "--as", "production")
    assert said.code == 2
    assert "given without the policy policy.yaml" in said.err
    assert desk("gate", run.path, "--write").code == 0
    assert desk("bless", run.path, "--as", "production").code == 0
