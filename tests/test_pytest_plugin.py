"""A gate as an ordinary test, over tables and over a stored run."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
    done = pytester.runpytest("-p", "no:cacheprovider", "--strict-markers")
    # Four comparisons warn of rows that may have been trained on, and one gate does not block.
    done.assert_outcomes(passed=2, failed=3, warnings=5)
    done.stdout.fnmatch_lines(
        [
            "gate kept: fail: candidate is worse than base on table.accuracy by more than 0.01*",
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
