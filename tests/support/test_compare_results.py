from __future__ import annotations

import json
import shutil
from pathlib import Path

import compare_results
import pytest

RUN = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"


def test_a_run_agrees_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_results.main([str(RUN), str(RUN)]) == 0
    assert capsys.readouterr().out == "0 numbers differ\n"


def test_a_changed_number_is_printed_with_its_place_whatever_the_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(RUN, tmp_path / "run"))
    results = json.loads((copy / "results.json").read_text())
    results["metrics"].reverse()
    changed = results["metrics"][0]
    changed["n"] += 1
    (copy / "results.json").write_text(json.dumps(results))
    assert compare_results.main([str(RUN), str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert changed["metric"] in lines[0] or changed["evaluation"] in lines[0]
    assert f"n: {float(changed['n'] - 1)} | {float(changed['n'])}" in lines[0]
    assert lines[1] == "1 numbers differ"
