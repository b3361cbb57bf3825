from __future__ import annotations

import math
from pathlib import Path

import pytest
from harness_support.stored_runs import small_info

from harness.core.errors import DataError
from harness.core.interval import Bound, Interval
from harness.schema.results.metrics import MetricResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import VerdictResult
from harness.storage.run_dir import RunDir, results_of


def results(value: float | None = 0.5) -> Results:
    return Results(
        suite="s",
        suite_digest="d",
        title="t",
        seed=0,
        baseline="base",
        candidates=["new"],
        release=["new"],
        models=[],
        data=[],
        evaluations=[],
        metrics=[
            MetricResult(
                id="reviews.accuracy",
                evaluation="reviews",
                metric="accuracy",
                model="base",
                protocol="head",
                interval=Interval(value=value, bounds=(Bound(alpha=0.05, low=0.4, high=math.inf),)),
                n=10,
                clusters=10,
                unit="fraction",
                direction="higher",
                method="test",
            )
        ],
        comparisons=[],
        flips=[],
        tables=[],
        gates=[],
        verdict=VerdictResult(overall="pass", exit_code=0, sentence="ok"),
    )


def written(results: Results, run: Path) -> bytes:
    RunDir(run).write(results, small_info())
    return (run / "results.json").read_bytes()


def test_equal_results_are_equal_bytes_and_read_back(tmp_path: Path) -> None:
    content = written(results(), tmp_path / "a")
    assert content == written(results(), tmp_path / "b")
    assert read(content).metrics[0].interval.value == 0.5


def test_undefined_numbers_are_null_never_nan(tmp_path: Path) -> None:
    content = written(results(math.nan), tmp_path)
    assert b"NaN" not in content
    assert b"Infinity" not in content
    again = read(content)
    assert again.metrics[0].interval.value is None
    assert again.metrics[0].interval.at(0.05) == Bound(alpha=0.05, low=0.4, high=None)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema_version": 99}', '{"schema_version": 1, "more": 1}'])
def test_other_files_are_refused(content: str) -> None:
    with pytest.raises(DataError, match="cannot read results"):
        read(content.encode())


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    RunDir(tmp_path).write_info(small_info("running"))
    with pytest.raises(DataError, match=r"no results\.json in this folder"):
        RunDir(tmp_path).read_results()


def test_a_damaged_file_is_explained_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read results\.json: suite: Field required") as caught:
        read(written(results(0.5), tmp_path).replace(b'"suite":', b'"suit":'))
    assert "pydantic" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    RunDir(tmp_path).write_info(small_info())
    (tmp_path / "results.json").mkdir()
    with pytest.raises(DataError, match=r"cannot read results\.json"):
        RunDir(tmp_path).read_results()


def read(content: bytes) -> Results:
    return results_of(content, Path("results.json"))
