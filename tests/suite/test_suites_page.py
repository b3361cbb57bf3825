"""docs/suites.md names every bundled suite."""

from pathlib import Path

from harness.suite.bundled import suites

PAGE = Path(__file__).parents[2] / "docs" / "suites.md"


def test_every_bundled_suite_is_on_the_page_once() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    named = [line.split("|")[1].strip().strip("`") for line in lines if line.startswith("| `")]
    assert sorted(named) == sorted(suites())
