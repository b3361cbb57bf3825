"""The page in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.core.rundir import RunDir

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
SIZES = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def visit(chromium: Any) -> Iterator[Open]:
    """Opens a run's report; at the end, any request, message, dialog or error is a failure."""
    pages: list[Any] = []
    seen: list[str] = []

    def visit(run: RunDir, width: int = 1280, scheme: str = "light", fragment: str = "") -> Any:
        page = chromium.new_page()
        pages.append(page)
        url = (run.path / "report.html").as_uri()
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.split("#")[0] != url and seen.append(f"request: {request.url}"))
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(url + fragment)
        return page

    yield visit
    for page in pages:
        page.close()
    assert seen == []


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_it_opens_quietly_and_fits(
    name: str, scheme: str, width: int, visit: Open, request: pytest.FixtureRequest
) -> None:
    page = visit(request.getfixturevalue(name), width, scheme)
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#list button").count() == 100
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
    page.keyboard.press("t")
    assert light != (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")


def test_hostile_items_are_text(hostile: RunDir, visit: Open) -> None:
    page = visit(hostile)
    page.select_option("#contest", "all")
    page.fill("#search", "onerror")
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#detail .body")
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("script").count() == 2


def test_deltas_sort_and_filter(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    assert page.inner_text("#delta-count") == "13 of 55 comparisons"
    page.fill("#delta-filter", "perplexity")
    assert page.inner_text("#delta-count") == "1 of 55 comparisons"
    page.fill("#delta-filter", "")
    page.check("#delta-clear")
    assert int(page.inner_text("#delta-count").split()[0]) < 13
    page.uncheck("#delta-clear")
    page.select_option("#contest", "all")
    assert page.inner_text("#delta-count") == "55 of 55 comparisons"
    column = page.locator("#delta-table th button", has_text="δ")
    for direction, reverse in (("ascending", False), ("descending", True)):
        column.click()
        assert page.locator(f"#delta-table th[aria-sort={direction}]").count() == 1
        values = page.eval_on_selector_all(
            "#delta-table tbody tr", "rows => rows.map(r => Number(r.cells[5].dataset.value))"
        )
        assert values == sorted(values, reverse=reverse)


def test_the_chosen_candidate_is_shown_alone(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#contest", label="lora")
    assert page.inner_text("#browser-name") == "reviews: lora against base"
    shown = page.eval_on_selector_all("#forest div[data-contest]", "all => all.filter(n => !n.hidden).length")
    assert shown == 1


def test_items_filter_search_and_keys(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#outcome", "broken")
    assert set(page.locator("#list button > span:first-child").all_inner_texts()) == {"▼ broken"}
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "3 of " in page.inner_text("#detail .move")
    page.keyboard.press("k")
    assert "2 of " in page.inner_text("#detail .move")
    assert page.evaluate("location.hash").startswith("#item=reviews/")
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.id") == "outcome"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("jk no such words")
    assert "0 of" in page.inner_text("#item-count")
    assert "No item matches" in page.inner_text("#detail")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_next_button_and_more_items(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.click("#detail button:has-text('Next')")
    assert "2 of 2400" in page.inner_text("#detail .move")
    page.click("#more")
    assert page.locator("#list button").count() == 200


def test_deep_links(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.keyboard.press("j")
    link, text = page.evaluate("location.hash"), page.inner_text("#detail .body")
    other = visit(plain, fragment=link)
    assert other.inner_text("#detail .body") == text
    assert other.evaluate("document.getElementById('browser').getBoundingClientRect().top") < 200
    lost = visit(plain, fragment="#item=reviews/nosuchitem")
    assert "not in the page" in lost.inner_text("#detail")
    broken = visit(plain, fragment="#item=%E0%A4%A/%E0%A4%A")
    assert broken.locator("#detail .body").count() == 1


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_axe_finds_nothing(scheme: str, width: int, plain: RunDir, visit: Open, axe: Path) -> None:
    page = visit(plain, width, scheme)
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate(
        "axe.run().then(r => r.violations.map(v => [v.id, v.impact, v.nodes.slice(0, 3).map(n => n.html)]))"
    )
    assert found == []
