"""docs/suites.md names every bundled suite."""

from pathlib import Path

from harness.suite.bundled import suites

PAGE = Path(__file__).parents[2] / "docs" / "suites.md"


def test_every_bundled_suite_is_on_the_page_once() -> None:
    described, _, measured = PAGE.read_text("utf-8").partition("<!-- measured: start -->")
    assert sorted(_named(described)) == sorted(suites())
    assert set(_named(measured)) <= set(suites())


def _named(page: str) -> list[str]:
    return [line.split("|")[1].strip().strip("`") for line in page.splitlines() if line.startswith("| `")]
