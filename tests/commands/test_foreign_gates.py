"""`harness migrate` on other tools' gates: what means the same becomes a policy; the rest is named, with its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import invoke
from harness.storage.run_dir import RunDir
from harness.suite.yaml.located_document import parse

IMPORTERS = Path(__file__).parents[1] / "importers"

NEMO = """\
version: 1
defaults: {tier: supporting, metric: mean_reward, max_drop: 0.02}
benchmarks:
  sums: {tier: critical, max_drop: 0.3}
  Rare Facts: {max_relative_drop: 0.05, relative_guard_below: 0.2}
  loss: {metric: "scorer:nll", direction: lower_is_better}
  style: {tier: advisory, metric: pass@1}
"""
PROMPTFOO = """\
prompts: ["{{question}}"]
providers: [openai:one, openai:two]
defaultTest: {assert: [{type: icontains, value: yes, metric: right}, {type: cost, threshold: 0.01, weight: 0}]}
tests:
  - {vars: {question: a}, assert: [{type: similar, value: b, threshold: 0.8}]}
  - {vars: {question: c}, assert: [{type: select-best, value: short}]}
"""
DEEPEVAL = """\
from deepeval import assert_test
from deepeval.metrics import AnswerRelevancyMetric, BaseMetric, GEval, PIILeakageMetric

raise RuntimeError("a file that is read is never run")
LEAST = 0.7

class Short(BaseMetric):
    @property
    def __name__(self):
        return "Short answers"

relevancy = AnswerRelevancyMetric(threshold=LEAST)

def test_one(case):
    assert_test(case, [relevancy, GEval(name="Polite", threshold=0.6), Short(threshold=0.9)])

def test_two(case):
    assert_test(test_case=case, metrics=[relevancy, Short(threshold=0.9, flaky=True), PIILeakageMetric(threshold=None)])
"""


@dataclass
class Migrated:
    """What the command printed."""

    code: int
    gates: dict[str, dict[str, Any]]
    err: str

    def reason(self, start: str) -> str:
        """Why what starts so has no gate of its own."""
        lines = [line for line in self.err.splitlines() if line.startswith(f"no gate of its own: {start}")]
        assert len(lines) == 1, self.err
        return lines[0]


def migrate(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Migrated:
    capsys.readouterr()
    code = invoke(["migrate", str(path), *options])
    out, err = capsys.readouterr()
    gates = parse(out, "policy.yaml").value["gates"] if code == 0 else []
    policy = path.parent / "made.yaml"
    if code == 0:
        policy.write_text(out, "utf-8")
        assert invoke(["validate", str(policy)]) == 0, out
        capsys.readouterr()
    return Migrated(code, {gate["id"]: gate for gate in gates}, err)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_tiers_and_drops_of_nemo_evaluator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = migrate(written(tmp_path, "gate_policy.yaml", NEMO), capsys)
    assert made.gates["sums"] == {
        "id": "sums",
        "metric": "sums.as_logged[reward]",
        "kind": "non_inferiority",
        "margin": 0.3,
        "alpha": 0.025,
        "min_n": 10,
    }
    assert made.gates["rare-facts"]["margin"] == 0.02
    assert made.gates["style"]["severity"] == "warn"
    assert list(made.gates) == ["sums", "rare-facts", "style"]
    assert "nel holds the value that was seen against it, without an interval" in made.reason("Rare Facts")
    assert "name ours with --metric scorer:nll=METRIC" in made.reason("loss")
    assert "pass@1 counts rewards above 0" in made.err
    named = migrate(
        tmp_path / "gate_policy.yaml", capsys, "--metric", "scorer:nll=nll", "--metric", "mean_reward=accuracy"
    )
    assert (named.gates["loss"]["metric"], named.gates["sums"]["metric"]) == ("loss.nll", "sums.accuracy")


def test_a_wrong_policy_of_nemo_evaluator_is_refused_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = migrate(written(tmp_path, "p.yaml", NEMO.replace("max_drop: 0.3", "max_drop: -0.3")), capsys)
    assert made.code == 2
    assert "p.yaml:4:" in made.err
    empty = migrate(written(tmp_path, "q.yaml", "benchmarks: {}\n"), capsys)
    assert empty.code == 2
    assert "none of these rules means the same in harness" in empty.err


def test_a_run_of_rewards_is_judged_as_nel_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, wrong in (("base", 4), ("tuned", 5)):
        rows = [{"problem_idx": n, "repeat": 0, "reward": float(n % wrong > 0), "benchmark": "sums"} for n in range(60)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    options = ("id=problem_idx", "epoch=repeat", "figures=reward", "task=benchmark")
    logs = [f"{name}={tmp_path}/{name}.jsonl" for name in ("base", "tuned")]
    given = [part for option in options for part in ("--option", option)]
    assert invoke(["import", "table", *logs, *given, "--out", str(tmp_path / "out"), "-q"]) == 0
    run = max((tmp_path / "out").glob("*/*/results.json")).parent
    policy = (
        NEMO.replace("  Rare Facts", "  # Rare Facts").replace("  loss", "  # loss").replace("  style", "  # style")
    )
    migrate(written(tmp_path, "gate_policy.yaml", policy), capsys)
    assert invoke(["gate", str(run), "--policy", str(tmp_path / "made.yaml")]) == 0
    tight = migrate(written(tmp_path, "gate_policy.yaml", policy.replace("0.3", "0.0001")), capsys)
    assert tight.gates["sums"]["margin"] == 0.0001
    # nel says INCONCLUSIVE where the interval straddles the threshold
    assert invoke(["gate", str(run), "--policy", str(tmp_path / "made.yaml")]) == 11


def test_assertions_of_promptfoo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = migrate(written(tmp_path, "promptfooconfig.yaml", PROMPTFOO), capsys)
    assert made.gates["tests-passed"]["metric"] == "tests.as_logged[passed]"
    assert made.gates["tests-right"]["metric"] == "tests.as_logged[right_passed]"
    assert all(gate["min"] == 1 and gate["bound"] == "point" for gate in made.gates.values())
    assert len(made.gates) == 2
    assert "its weight is 0" in made.reason("cost")
    assert "in some tests only" in made.reason("similar, threshold 0.8")
    assert "several providers with each other" in made.reason("select-best")


@pytest.mark.parametrize(
    ("old", "new", "gates", "words"),
    [
        ("defaultTest: {", "defaultTest: {threshold: 0.5, ", {"tests-passed"}, "the test has a `threshold`"),
        (
            "{vars: {question: a},",
            "{vars: {question: a}, threshold: 0.5,",
            {"tests-passed"},
            "the test has a `threshold`",
        ),
        (
            "prompts:",
            "env: {PROMPTFOO_PASS_RATE_THRESHOLD: '80'}\nprompts:",
            {"tests-passed"},
            "80% of the tests may fail",
        ),
        (
            "{vars: {question: a},",
            "{options: {disableDefaultAsserts: true}, vars: {question: a},",
            {"tests-passed"},
            "in some tests only",
        ),
        (
            '["{{question}}"]',
            '["{{question}}", "Say: {{question}}"]',
            {"prompt-0-passed", "prompt-1-right"},
            "weight is 0",
        ),
        ("tests:\n", "tests: file://tests.csv\nscenarios:\n", {"tests-passed", "tests-right"}, "it is not read here"),
    ],
)
def test_what_lets_an_assertion_of_promptfoo_fail(
    old: str, new: str, gates: set[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in PROMPTFOO
    made = migrate(written(tmp_path, "promptfooconfig.yaml", PROMPTFOO.replace(old, new, 1)), capsys)
    assert gates <= set(made.gates)
    assert words in made.err
    if len(gates) == 1:
        assert set(made.gates) == gates
    if "80" in new:
        assert made.gates["tests-passed"]["min"] == 0.8


def test_promptfoos_own_verdicts_are_those_of_the_migrated_gates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = IMPORTERS / "logs" / "promptfoo_checks" / "results.json"
    config = IMPORTERS / "make_logs" / "promptfoo_checks" / "promptfooconfig.yaml"
    path = written(tmp_path, "promptfooconfig.yaml", config.read_text("utf-8"))
    made = migrate(path, capsys)
    assert set(made.gates) == {"tests-passed", "tests-short", "tests-not-contains", "tests-right"}
    rows = json.loads(log.read_text("utf-8"))["results"]["results"]
    for baseline, model in (("base", "tuned"), ("tuned", "base")):
        out = tmp_path / model
        assert invoke(["import", "promptfoo", f"{log}#{baseline}", f"{log}#{model}", "--out", str(out), "-q"]) == 0
        run = max(out.glob("*/*/results.json")).parent
        theirs = all(row["success"] for row in rows if row["provider"]["label"] == model)
        assert theirs == (model == "tuned")
        code = invoke(["gate", str(run), "--policy", str(tmp_path / "made.yaml"), "--write", "-q"])
        assert (code == 0) == theirs
        right = next(gate for gate in RunDir(run).read_results().gates if gate.id == "tests-right")
        asked = [
            part
            for row in rows
            if row["provider"]["label"] == model
            for part in row["gradingResult"]["componentResults"]
        ]
        passed = [part["pass"] for part in asked if (part.get("assertion") or {}).get("metric") == "right"]
        assert right.observed == pytest.approx(sum(passed) / len(passed))


def test_thresholds_in_deepevals_test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = migrate(written(tmp_path, "test_answers.py", DEEPEVAL), capsys)
    assert {name: gate["metric"] for name, gate in made.gates.items()} == {
        "cases-passed": "cases.as_logged[passed]",
        "cases-answer-relevancy": "cases.as_logged[Answer_Relevancy_passed]",
    }
    assert "of some test cases only" in made.reason("Polite [GEval], threshold 0.6")
    assert "it is flaky" in made.reason("Short answers")
    assert "it has no threshold" in made.reason("PII Leakage")
    wrong = migrate(written(tmp_path, "broken.py", "def (:\n"), capsys)
    assert wrong.code == 2
    assert "broken.py:1: expected Python" in wrong.err


def test_thresholds_of_deepevals_runs_judge_an_imported_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = IMPORTERS / "logs" / "deepeval"
    made = migrate(written(tmp_path, "run.json", (logs / "base.json").read_text("utf-8")), capsys)
    assert set(made.gates) == {"cases-passed", "cases-equal", "cases-length"}
    assert (
        invoke(["import", "deepeval", f"{logs}/base.json", f"{logs}/tuned.json", "--out", str(tmp_path / "out"), "-q"])
        == 0
    )
    run = max((tmp_path / "out").glob("*/*/results.json")).parent
    assert invoke(["gate", str(run), "--policy", str(tmp_path / "made.yaml"), "--write"]) == 10
    cases = json.loads((logs / "tuned.json").read_text("utf-8"))["testCases"]
    observed = {gate.id: gate.observed for gate in RunDir(run).read_results().gates}
    assert observed["cases-passed"] == pytest.approx(sum(case["success"] for case in cases) / len(cases))
    for place, name in ((0, "cases-equal"), (1, "cases-length")):
        theirs = [case["metricsData"][place]["success"] for case in cases]
        assert observed[name] == pytest.approx(sum(theirs) / len(theirs))


def test_the_file_is_written_once_and_options_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, "gate_policy.yaml", NEMO), tmp_path / "policy.yaml"
    assert invoke(["migrate", str(path), "--out", str(out)]) == 0
    assert f"harness gate RUN --policy {out}" in capsys.readouterr().out
    assert invoke(["migrate", str(path), "--out", str(out)]) == 2
    assert "the file already exists" in capsys.readouterr().err
    for options in (["--write"], ["--from", "promptfoo"], ["--metric", "x"]):
        assert invoke(["migrate", str(path), *options]) == 2
    suite = written(tmp_path, "suite.yaml", "name: a\n")
    assert invoke(["migrate", str(suite), "--out", str(tmp_path / "x.yaml")]) == 2
    assert "are for other tools' gates" in capsys.readouterr().err
