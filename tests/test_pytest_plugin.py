"""A gate as an ordinary test, over tables and over a stored run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.storage.run_dir import RunDir

STORED = Path(__file__).parent / "fixtures" / "run_0_1_0"

pytest_plugins = "pytester"

ROWS = """
    rows = [{"id": k, "target": "a", "prediction": "a" if k % 4 else "b"} for k in range(200)]
    worse = [{**row, "prediction": "a" if row["id"] % 2 else "b"} for row in rows]
"""


def test_a_gate_over_tables_passes_and_fails_with_its_sentence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        ROWS
        + """
    import pytest

    def test_floor(harness_gate):
        (verdict,) = harness_gate(rows, worse, metric="accuracy", kind="absolute", min=0.3)
        assert verdict.verdict == "pass"

    def test_kept(harness_gate):
        harness_gate(rows, worse, gate="kept", metric="accuracy", kind="non_inferiority", margin=0.01)

    @pytest.mark.harness_gate(rows, worse, metric="accuracy", kind="superiority")
    def test_marked():
        raise SystemError("the body must not run")

    def test_quiet(harness_gate):
        harness_gate(rows, worse, gate="quiet", metric="accuracy", kind="superiority", severity="warn")

    def test_wrong(harness_gate):
        harness_gate(rows, metric="accuracy")
    """
    )
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers")
    # Four comparisons warn of rows that may have been trained on, and one gate does not block.
    done.assert_outcomes(passed=2, failed=3, warnings=5)
    done.stdout.fnmatch_lines(
        [
            "gate kept: fail: candidate is worse than base on table.accuracy by more than 1 point: *",
            "gate gate: fail: candidate is not better than base*",
            "*TypeError: harness_gate takes run=*",
            "*HarnessGateWarning: gate quiet: fail*",
        ]
    )
    assert "SystemError" not in done.stdout.str()


def test_the_plugin_imports_nothing_until_it_is_used() -> None:
    code = (
        "import sys, harness.pytest_plugin\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'torch'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_a_marked_test_is_one_test_per_gate(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
    import pytest

    RUN = {str(STORED)!r}

    @pytest.mark.harness_gate(run=RUN, allow_unsealed=True)
    def test_release():
        pass

    @pytest.mark.harness_gate(run=RUN, gate="better", allow_unsealed=True)
    def test_floor():
        pass

    @pytest.mark.harness_gate(run="no/such/run")
    def test_gone():
        pass

    def test_figures(harness_run, harness_compare):
        results = harness_run(RUN)
        assert results.metrics and results.gates
        rows = [{{"id": k, "score": k % 3}} for k in range(30)]
        assert harness_compare(rows, rows, metrics=["score"])["score"].delta.value == 0
    """
    )
    listed = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--collect-only", "-q")
    names = {line.partition("::")[2] for line in listed.outlines if "::" in line}
    stored = {gate.id for gate in RunDir(STORED).read_results().gates}
    assert names == {*(f"test_release[{gate}]" for gate in stored), "test_floor[better]", "test_gone", "test_figures"}
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "gone or figures")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*no finished run here*"])
