"""The page in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_support.page_reader import scripts

from harness.report.formats.index_page import write_index
from harness.report.view.run_view import RunView
from harness.report.web import item_data
from harness.storage.run_dir import RunDir

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
SIZES = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def visit(chromium: Any) -> Iterator[Open]:
    """Opens a run's report; at the end, any request, message, dialog or error is a failure."""
    pages: list[Any] = []
    seen: list[str] = []

    def visit(run: RunDir, width: int = 1280, scheme: str = "light", fragment: str = "", before: str = "") -> Any:
        page = chromium.new_page()
        if before:
            page.add_init_script(before)
        pages.append(page)
        url = (run.path / "report.html").as_uri()
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.split("#")[0] != url and seen.append(f"request: {request.url}"))
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(url + fragment)
        page.wait_for_selector("html[data-shown]" if before else "#browser[data-ready]", state="attached")
        return page

    yield visit
    for page in pages:
        page.close()
    assert seen == []


def choose(page: Any, label: str) -> None:
    """Chooses the candidate and waits until its parts are built."""
    key = "all" if label == "all" else page.locator("#contest option", has_text=label).first.get_attribute("value")
    page.select_option("#contest", key)
    page.wait_for_selector(f"html[data-shown={key}]", state="attached")


def counted(page: Any, text: str) -> None:
    """Waits until the count of items begins with a text."""
    page.wait_for_function("text => document.getElementById('item-count').textContent.startsWith(text)", arg=text)


def search(page: Any, text: str) -> None:
    before = page.inner_text("#item-count")
    page.fill("#search", text)
    page.wait_for_function("old => document.getElementById('item-count').textContent !== old", arg=before)


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_it_opens_quietly_and_fits(
    name: str, scheme: str, width: int, visit: Open, request: pytest.FixtureRequest
) -> None:
    page = visit(request.getfixturevalue(name), width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert 10 <= page.locator("#list button").count() < 40
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
    page.keyboard.press("t")
    assert light != (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")


def test_hostile_items_are_text(hostile: RunDir, visit: Open) -> None:
    page = visit(hostile)
    choose(page, "all")
    search(page, "onerror")
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#detail .body")
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("script:not([type])").count() == 1


def test_deltas_sort_and_filter(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    assert page.inner_text("#delta-count") == "14 of 56 comparisons"
    page.fill("#delta-filter", "perplexity")
    assert page.inner_text("#delta-count") == "1 of 56 comparisons"
    page.fill("#delta-filter", "")
    page.check("#delta-clear")
    assert int(page.inner_text("#delta-count").split()[0]) < 14
    page.uncheck("#delta-clear")
    choose(page, "all")
    assert page.inner_text("#delta-count") == "56 of 56 comparisons"
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
    assert page.locator("[data-part]").count() > 0
    choose(page, "lora")
    assert page.locator("#pair option:checked").inner_text() == "lora vs. base"
    shown = page.eval_on_selector_all("#forest div[data-contest]", "all => all.filter(n => !n.hidden).length")
    assert shown == 1
    assert page.locator("#slices div[data-contest]:not([hidden]) table").count() > 0
    choose(page, "all")
    assert page.locator("[data-part]").count() == 0
    assert page.locator("#forest div[data-contest]:not([hidden])").count() == 5


def test_parts_built_later_are_those_of_the_release(hostile: RunDir, visit: Open) -> None:
    """The same macros make both, so the elements that the script builds must be the elements of the page."""
    page = visit(hostile)
    outline = (
        "n => [...n.querySelectorAll('*')].map(one => one.localName + (one.namespaceURI.endsWith('svg') ? '!' : ''))"
    )
    first = page.eval_on_selector("#answers div[data-contest]:not([hidden])", outline)
    choose(page, "lora")
    later = page.eval_on_selector("#answers div[data-contest]:not([hidden])", outline)
    assert later == first
    assert "<script>alert(1)</script>" in page.inner_text("#answers")


def test_parts_built_later_lose_what_no_template_of_ours_has(plain: RunDir, visit: Open) -> None:
    path = plain.path / "report.html"
    text = path.read_text("utf-8")
    part = '<div data-contest="c1"><img src="x"><a href="x">y</a><p id="a">kept</p></div>'
    planted = {f"c{k}": [part] * 99 for k in range(9)}
    try:
        path.write_text(text.replace(scripts(text)["data"]["later"], item_data.compress(planted)), "utf-8")
        page = visit(plain)
        choose(page, "all")
        assert page.locator("[data-part]").count() == 0
        assert page.locator("[data-contest] img, [data-contest] a, #a").count() == 0
        assert page.locator("#slices p", has_text="kept").count() > 0
    finally:
        path.write_text(text, "utf-8")


def test_a_browser_that_cannot_decompress_says_so_and_shows_the_rest(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="#item=reviews/nosuchitem", before="delete window.DecompressionStream")
    assert "this browser cannot decompress data" in page.inner_text("#flips")
    assert not page.locator("#browser").is_visible()
    assert not page.locator("#contest").is_visible()  # it has nothing to choose from
    assert page.inner_text("#delta-count") == "14 of 56 comparisons"
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_items_filter_search_and_keys(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#outcome", "broken")
    page.wait_for_function("() => !document.getElementById('item-count').textContent.startsWith('2,400 of')")
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
    counted(page, "0 of")
    assert "No item matches" in page.inner_text("#detail")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_filters_count_what_the_results_say(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    flips = next(flip for flip in plain.read_results().flips if flip.candidate == "finetuned")
    for outcome, count in (("fixed", flips.fixed), ("broken", flips.broken), ("both wrong", flips.both_wrong)):
        page.select_option("#outcome", outcome)
        counted(page, f"{count:,} of 2,400")
    page.select_option("#outcome", "all")
    records = RunView.open(plain).records("reviews", "base")
    page.select_option("#slice", label="tweets")
    inside = int(records.in_slice("source=tweets").sum())
    counted(page, f"{inside:,} of")
    page.select_option("#group", label="a")
    both = int((records.in_slice("source=tweets") & records.in_slice("parent=a")).sum())
    counted(page, f"{both:,} of")


@pytest.mark.parametrize(("order", "sign"), [("gain", -1), ("loss", 1)])
def test_items_are_sorted_by_their_change(plain: RunDir, visit: Open, order: str, sign: int) -> None:
    page = visit(plain)
    page.select_option("#order", order)
    page.wait_for_timeout(60)
    shown = page.locator("#list button > span:last-child").all_inner_texts()
    values = [float(text.replace("−", "-")) for text in shown]
    assert values == sorted(values, key=lambda value: sign * value)
    assert values[0] * sign < 0


def test_the_list_draws_what_is_in_sight(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.click("#detail button:has-text('Next')")
    assert "2 of 2,400" in page.inner_text("#detail .move")
    page.evaluate("document.getElementById('list-box').scrollTop = 1e9")
    page.wait_for_selector("#list li[aria-posinset='2400']")
    assert page.locator("#list button").count() < 40
    page.click("#list li[aria-posinset='2400'] button")
    assert "2,400 of 2,400" in page.inner_text("#detail .move")


def test_pairs_show_their_difference_and_likelihoods(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#evaluation", label="names")
    page.wait_for_selector("#browser[data-ready=names]")
    assert page.locator("#detail .body").count() == 2
    marked = page.locator("#detail .body mark").all_inner_texts()
    assert {"He", "She"} <= {word for text in marked for word in text.split()}


def test_tokens_show_how_their_likelihood_changed(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#evaluation", label="general")
    page.wait_for_selector("#browser[data-ready=general]")
    tokens = page.locator("#detail .token")
    assert tokens.count() > 5
    assert "nats" in tokens.first.get_attribute("title")
    assert page.inner_text("#detail .body").startswith("Paragraph ")


def test_written_answers_are_compared_word_by_word(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.select_option("#evaluation", label="written")
    page.wait_for_selector("#browser[data-ready=written]")
    page.select_option("#outcome", "changed")
    counted(page, "300 of 450")
    marks = page.locator("#detail table mark").all_inner_texts()
    assert marks == ["long", "dull"]


def test_words_are_explained_where_they_stand(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.focus("#verdict .term[data-term=MDE]")
    assert "smallest true difference" in page.inner_text("#tip")
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()


def test_deep_links(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.keyboard.press("j")
    link, text = page.evaluate("location.hash"), page.inner_text("#detail .body")
    other = visit(plain, fragment=link)
    assert other.inner_text("#detail .body") == text
    assert other.evaluate("document.getElementById('browser').getBoundingClientRect().top") < 200
    lost = visit(plain, fragment="#item=reviews/nosuchitem")
    assert "unknown to this run" in lost.inner_text("#detail")
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


def test_the_index_opens_quietly_in_every_size(chromium: Any, plain: RunDir, tmp_path: Path, axe: Path) -> None:
    for number in range(2):
        shutil.copytree(plain.path, tmp_path / "sentiment" / f"run-{number}")
    url = write_index(tmp_path).as_uri()
    seen: list[str] = []
    for scheme, width in SIZES:
        page = chromium.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("request", lambda request: request.url != url and seen.append(request.url))
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(axe.read_text("utf-8"))
        assert page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
        page.close()
    assert seen == []
