"""Programs that models write run under `--allow-generated-code` and under nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_support.tiny_world import Shell

from harness.evaluations.programs.guarantees import not_enforced

FLAG = "--allow-generated-code"
SUITE = """\
name: s
data:
  d: {file: d.jsonl, splits: {train: 0.4, validation: 0.1, test: 0.5}}
models:
  a: {heuristic: {task: t, rule: copy}}
  b: {heuristic: {task: t, rule: majority}}
compare: {baseline: a}
tasks:
  t: {program_synthesis: {data: d}}
gates:
  - {id: passes, metric: t.pass_rate, kind: absolute, min: 0.1, min_n: 5}
"""


def test_programs_run_only_where_the_command_line_allows_it(tmp_path: Path) -> None:
    if broken := not_enforced():
        pytest.skip(f"this system does not lock programs down: {dict(broken)}")
    rows = [
        {
            "prompt": f'def add{n}(a, b):\n    """The sum, number {n}."""\n',
            "entry_point": f"add{n}",
            "canonical_solution": "    return a + b\n",
            "test": f"def check(candidate):\n    assert candidate(1, {n}) == {n + 1}\n",
        }
        for n in range(24)
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    (tmp_path / "s.yaml").write_text(SUITE, "utf-8")
    shell = Shell(tmp_path, tmp_path / "cache")

    parsed = shell.run("s.yaml")
    assert parsed["exit_code"] == 12
    assert parsed["results"]["gates"][0]["verdict"] == "error"
    assert "no value for t.pass_rate" in parsed["stderr"]
    assert FLAG in parsed["stderr"]

    ran = shell.run("s.yaml", FLAG)
    assert ran["exit_code"] == 0
    assert ran["info"]["overrides"] == {"generated_code": True}
    values = {
        made["model"]: made["interval"]["value"] for made in ran["results"]["metrics"] if made["metric"] == "pass_rate"
    }
    assert values == {"a": 0.0, "b": 1.0}

    # The run says that it ran programs; whether they may run again is the user's to say.
    refused = shell("rerun", ran["folder"])
    assert (refused.returncode, "not allowed now; nothing ran" in refused.stderr) == (2, True)
    assert shell("rerun", ran["folder"], FLAG).returncode == 0

    assert shell("lock", "s.yaml").returncode == 0
    locked = shell("run", "s.yaml", "--locked", FLAG)
    assert (locked.returncode, FLAG in locked.stderr) == (13, True)
