"""The page in a real browser, opened from disk."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_support.page_reader import scripts, waiting_of
from harness_support.plain_models import dataset
from harness_support.report_runs import Options, build_run

from harness.data.data_audit import audit
from harness.report.formats.audit_page import audit_html
from harness.report.formats.html_page import render_html
from harness.report.formats.index_page import write_index
from harness.report.formats.write_reports import write_reports
from harness.report.view.run_view import RunView
from harness.report.web import item_data
from harness.schema.results.results_file import Results
from harness.schema.run_info import Relabeled
from harness.storage.run_dir import RunDir

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
SIZES = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def visit(chromium: Any) -> Iterator[Open]:
    """Opens a run's report; at the end, any request, message, dialog or error is a failure."""
    pages: list[Any] = []
    seen: list[str] = []

    def visit(run: RunDir, width: int = 1280, scheme: str = "light", fragment: str = "#items", before: str = "") -> Any:
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
        page.wait_for_selector("html[data-tab]", state="attached")
        return page

    yield visit
    for page in pages:
        page.close()
    assert seen == []


def choose(page: Any, candidate: str, baseline: str | None = None) -> None:
    """Puts a pair in view and waits until its parts are built."""
    page.select_option("#candidate", label=candidate)
    if baseline is not None:
        page.select_option("#baseline", label=baseline)
    page.wait_for_function("() => document.documentElement.dataset.shown === document.getElementById('baseline').value")


def tab(page: Any, name: str) -> None:
    """Opens a tab and waits until it is built."""
    page.evaluate("name => { location.hash = name }", name)
    page.wait_for_selector(f"html[data-tab={name}]", state="attached")


def counted(page: Any, text: str) -> None:
    """Waits until the count of items begins with a text."""
    page.wait_for_function("text => document.getElementById('item-count').textContent.startsWith(text)", arg=text)


def search(page: Any, text: str) -> None:
    before = page.inner_text("#item-count")
    page.fill("#search", text)
    page.wait_for_function("old => document.getElementById('item-count').textContent !== old", arg=before)


TABS = ["summary", "metrics", "items", "bias", "models", "data", "provenance"]


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_it_opens_quietly_and_fits(
    name: str, scheme: str, width: int, visit: Open, request: pytest.FixtureRequest
) -> None:
    page = visit(request.getfixturevalue(name), width, scheme, fragment="")
    colors = set()
    for part in TABS:
        tab(page, part)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part
        assert page.locator("main > .tab:not([hidden])").count() == 1
        chip = page.locator("header .chip").bounding_box()
        assert chip["y"] + chip["height"] <= 100
        colors.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    page.keyboard.press("t")
    assert colors != {page.evaluate("getComputedStyle(document.body).backgroundColor")}


def test_hostile_items_are_text(hostile: RunDir, visit: Open) -> None:
    page = visit(hostile)
    page.click("#show-all")
    search(page, "onerror")
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#detail .body")
    for part in TABS:
        tab(page, part)
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("script:not([type])").count() == 1


def test_deltas_sort_and_filter(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="#deltas")
    assert page.evaluate("document.documentElement.dataset.tab") == "metrics"
    assert page.inner_text("#delta-count") == "14 of 56 comparisons"
    page.fill("#delta-filter", "perplexity")
    assert page.inner_text("#delta-count") == "1 of 56 comparisons"
    page.fill("#delta-filter", "")
    page.check("#delta-clear")
    assert int(page.inner_text("#delta-count").split()[0]) < 14
    page.uncheck("#delta-clear")
    column = page.locator("#delta-table th button", has_text="δ")
    for direction, reverse in (("ascending", False), ("descending", True)):
        column.click()
        assert page.locator(f"#delta-table th[aria-sort={direction}]").count() == 1
        values = page.eval_on_selector_all(
            "#delta-table tbody tr", "rows => rows.filter(r => !r.hidden).map(r => Number(r.cells[5].dataset.value))"
        )
        assert values == sorted(values, reverse=reverse)


VERDICT = "() => [document.querySelector('.bar .chip').textContent, document.querySelector('.hero').textContent]"


def test_the_pair_changes_every_tab_and_no_verdict(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="")
    before = page.evaluate(VERDICT)
    texts = {}
    for part in ("summary", "metrics", "items", "bias"):
        tab(page, part)
        texts[part] = page.inner_text(f"#{part}")
    choose(page, "lora")
    assert "pair=/lora" in page.evaluate("location.hash")
    for part, text in texts.items():
        tab(page, part)
        assert page.inner_text(f"#{part}") != text
        assert "pair=/lora" in page.evaluate("location.hash")
    assert page.evaluate(VERDICT) == before
    other = visit(plain, fragment=page.evaluate("location.hash"))
    assert other.locator("#candidate option:checked").inner_text() == "lora"
    tab(other, "items")
    tab(page, "items")
    assert other.locator("#list-head .inpair").all_inner_texts() == page.locator("#list-head .inpair").all_inner_texts()


def test_parts_built_later_are_those_of_the_release(hostile: RunDir, visit: Open) -> None:
    """The same macros make both, so the elements that the script builds must be the elements of the page."""
    page = visit(hostile, fragment="#answers")
    outline = "n => [...n.querySelectorAll('*')].map(n => n.localName + (n.namespaceURI.endsWith('svg') ? '!' : ''))"
    first = page.eval_on_selector("#answers div[data-contest]:not([hidden])", outline)
    choose(page, "lora")
    later = page.eval_on_selector("#answers div[data-contest]:not([hidden])", outline)
    assert later == first
    assert "<script>alert(1)</script>" in page.inner_text("#answers")


def test_what_is_built_later_loses_what_no_template_of_ours_has(plain: RunDir, visit: Open) -> None:
    path = plain.path / "report.html"
    text = path.read_text("utf-8")
    bad = '<img src="x"><a href="javascript:alert(1)">y</a><p data-other="1">kept</p>'
    part = f'<div data-contest="c1">{bad}</div>'
    waiting = waiting_of(text)
    planted = {"tabs": {**waiting["tabs"], "data": bad}, "parts": {f"c{k}": [part] * 99 for k in range(9)}}
    try:
        path.write_text(text.replace(scripts(text)["payload"]["later"], item_data.compress(planted)), "utf-8")
        page = visit(plain, fragment="#data")
        choose(page, "lora")
        for where in ("#data", "#summary [data-contest=c1]"):
            assert page.locator(f"{where} p", has_text="kept").count() > 0
            assert page.locator(f"{where} img, {where} [href], {where} [data-other]").count() == 0
    finally:
        path.write_text(text, "utf-8")


def test_a_browser_that_cannot_decompress_says_so_and_shows_the_summary(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="#item=reviews/nosuchitem", before="delete window.DecompressionStream")
    assert "this browser cannot decompress data" in page.inner_text("#items")
    tab(page, "summary")
    assert page.locator(".gate").count() > 2
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_items_filter_search_and_keys(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    outcomes = page.eval_on_selector_all("#list button", "all => all.map(n => n.dataset.outcome)")
    assert set(outcomes) == {"broken"}
    page.click("#show-all")
    counted(page, "2,400 of")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "3 of " in page.inner_text("#detail .move")
    page.keyboard.press("k")
    assert "2 of " in page.inner_text("#detail .move")
    assert page.evaluate("location.hash").startswith("#item=reviews/")
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.id") == "slice"
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
    for show, count in (("fixed", flips.fixed), ("broken", flips.broken)):
        assert page.inner_text(f"#show-{show}").endswith(f" {count:,}")
        page.click(f"#show-{show}")
        counted(page, f"{count:,} of 2,400")
    page.click("#show-all")
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
    page.click("#show-all")
    page.select_option("#order", order)
    page.wait_for_timeout(60)
    values = page.eval_on_selector_all("#list button", "all => all.map(n => Number(n.dataset.move))")
    assert values == sorted(values, key=lambda value: sign * value)
    assert values[0] * sign < 0


def test_the_list_draws_what_is_in_sight(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.click("#show-all")
    counted(page, "2,400 of")
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
    page.click("#show-different")
    counted(page, "300 of 450")
    marks = page.locator("#detail table mark").all_inner_texts()
    assert marks == ["long", "dull"]


def test_words_are_explained_where_they_stand(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="#deltas")
    page.focus(".term[data-term=MDE]")
    assert "smallest true difference" in page.inner_text("#tip")
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()


def test_deep_links(plain: RunDir, visit: Open) -> None:
    page = visit(plain)
    page.keyboard.press("j")
    link, text = page.evaluate("location.hash"), page.inner_text("#detail .body")
    other = visit(plain, fragment=link)
    assert other.inner_text("#detail .body") == text
    assert other.evaluate("document.getElementById('detail').getBoundingClientRect().bottom") <= 900
    lost = visit(plain, fragment="#item=reviews/nosuchitem")
    assert "unknown to this run" in lost.inner_text("#detail")
    broken = visit(plain, fragment="#item=%E0%A4%A/%E0%A4%A")
    assert broken.locator("#detail .body").count() == 1


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_axe_finds_nothing(scheme: str, width: int, plain: RunDir, visit: Open, axe: Path) -> None:
    page = visit(plain, width, scheme, fragment="")
    page.evaluate(axe.read_text("utf-8"))
    for part in TABS:
        tab(page, part)
        violations = page.evaluate(
            "axe.run().then(r => r.violations.map(v => [v.id, v.impact, v.nodes.slice(0, 3).map(n => n.html)]))"
        )
        assert violations == [], part


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
        for box in page.locator("input[type=checkbox]").all():
            box.check()
        assert page.locator(".sides tbody tr").count() >= 4
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
        page.fill("#filter", "SENTIMENT what")  # words of the suite's name and title
        assert page.locator("tr[data-verdict]:visible").count() == 2
        page.select_option("#verdict", "pass")
        assert page.locator("tr[data-verdict]:visible").count() == 0
        assert page.locator("section[data-suite]:visible").count() == 0
        page.close()
    assert seen == []


LONG = "x" * 90
AUDITED = [
    {"text": f"She is a nurse, {LONG} write to ada{k}@example.org.", "label": f"label_{'y' * 60}"} for k in range(12)
] + [
    {"text": f"He is a pilot {k}. \u202eabc <b>" if k % 3 else None, "label": "אור" if k % 2 else None}
    for k in range(12)
]


def test_the_page_of_a_data_audit_opens_quietly_in_every_size(chromium: Any, tmp_path: Path, axe: Path) -> None:
    """Long labels, texts from right to left, missing cells; a person's data are nowhere in it."""
    (tmp_path / "audit.html").write_text(audit_html([audit(dataset(AUDITED), "test", label="label")]), "utf-8")
    url = (tmp_path / "audit.html").as_uri()
    seen: list[str] = []
    for scheme, width in SIZES:
        page = chromium.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("request", lambda request: request.url != url and seen.append(request.url))
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        page.evaluate(axe.read_text("utf-8"))
        assert page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))") == []
        assert "example.org" not in page.content()
        page.close()
    assert seen == []


def test_overlap_and_corrected_labels_stand_in_the_data_tab(chromium: Any, plain: RunDir, tmp_path: Path) -> None:
    shutil.copytree(plain.path, tmp_path / "run")
    run = RunDir(tmp_path / "run")
    results, info = run.read_results().model_dump(mode="json", by_alias=True), run.read_info()
    row = next(row for row in results["comparisons"] if row["slice"] is None)
    row["overlap"] = {"n": 12, "without": row["delta"], "explained": 0.0123, "low": -0.01, "high": 0.03}
    info.relabeled = Relabeled(run="earlier", seal="0" * 64, fixes="fixes.csv", digest="1" * 64, labels={"reviews": 17})
    run.write(Results.model_validate(results), info)
    (run.path / "report.html").write_text(render_html(run), "utf-8")
    page = chromium.new_page()
    page.goto((run.path / "report.html").as_uri() + "#data")
    page.wait_for_selector("#without-overlap")
    assert "12 of 2,400" in page.inner_text("#without-overlap")
    assert "+1.2" in page.inner_text("#without-overlap")
    assert "17" in page.inner_text("#corrected")
    page.close()


def _no_gates(value: dict[str, Any]) -> None:
    value["gates"], value["verdict"]["overall"] = [], "none"


def _all_skipped(value: dict[str, Any]) -> None:
    _no_gates(value)
    for part in ("metrics", "comparisons", "flips", "tables"):
        value[part] = []
    for evaluation in value["evaluations"]:
        evaluation["skipped"] = dict.fromkeys(evaluation["protocols"], "cannot be asked")
        for part in ("protocols", "counts", "coverage"):
            evaluation[part] = {}


def _from_right_to_left(value: dict[str, Any]) -> None:
    value["title"] = "דוח " * 20 + "\u202e"
    value["gates"][0]["id"] = "שער_" + "א" * 80


@pytest.mark.parametrize(
    ("change", "items"), [(_no_gates, 40), (_all_skipped, 40), (_from_right_to_left, 40), (lambda value: None, 1)]
)
def test_odd_runs_open_quietly_and_fit(
    change: Callable[[dict[str, Any]], None], items: int, visit: Open, tmp_path: Path
) -> None:
    """No gates, nothing answered, names from right to left, one item."""
    run = build_run(tmp_path / "run", Options(items=items))
    value = run.read_results().model_dump(mode="json", by_alias=True)
    change(value)
    run.write(Results.model_validate(value), run.read_info())
    write_reports(run)
    for width in (390, 1280):
        page = visit(run, width, fragment="")
        for part in TABS:
            tab(page, part)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (part, width)


@pytest.fixture(scope="module")
def sample() -> RunDir:
    """The stored report of a run that `harness run` made (reports/sample/make.py)."""
    return RunDir(Path(__file__).parents[2] / "reports" / "sample")


@pytest.mark.parametrize("name", ["plain", "sample"])
def test_each_of_five_questions_is_answered_within_two_clicks(
    name: str, visit: Open, request: pytest.FixtureRequest
) -> None:
    """May I ship? What broke? The worst regressions? Whom does it hurt? What did it cost?"""
    run = request.getfixturevalue(name)
    page = visit(run, fragment="")
    in_sight = "n => n.getBoundingClientRect().bottom <= innerHeight && n.getBoundingClientRect().top >= 0"
    said = (run.path / "summary.md").read_text("utf-8").splitlines()[0]
    assert f" {page.locator('.decision .word').inner_text()}: " in said
    assert page.eval_on_selector(".decision .says", in_sight)
    broken = re.search(r"[0-9,]+", page.inner_text(".examples >> nth=0 >> h3 a"))
    assert broken is not None
    if name == "plain":
        flips = next(flip for flip in run.read_results().flips if flip.candidate == "finetuned")
        assert broken.group() == f"{flips.broken:,}"
    worst = page.locator(".examples >> nth=0").locator("li")
    assert worst.count() == min(5, int(broken.group().replace(",", "")))
    page.click(".examples >> nth=0 >> h3 a")
    page.wait_for_selector("html[data-tab=items]", state="attached")
    counted(page, f"{broken.group()} of ")
    page.click("nav a:has-text('Bias')")
    page.wait_for_selector("html[data-tab=bias]", state="attached")
    assert page.locator("#probes .probe").count() >= 2
    assert page.locator("#probes .held").count() >= 1
    page.click("nav a:has-text('Models')")
    page.wait_for_selector("html[data-tab=models]", state="attached")
    assert page.eval_on_selector("#costs h3", in_sight)
    assert "finetuned" in page.inner_text("#costs")


def test_a_gate_opens_its_reasons_in_place(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="")
    gate = page.locator(".gate", has_text="drift").first
    gate.locator("summary").click()
    assert "The drift of the stereotype score" in gate.inner_text()
    assert "80% power" in gate.inner_text()


def test_the_summary_prints_on_two_pages(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="")
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert 1 <= len(pages) <= 2


def test_the_menu_of_a_phone_holds_pair_and_tabs(plain: RunDir, visit: Open) -> None:
    page = visit(plain, 390, fragment="")
    assert not page.locator("nav").is_visible()
    page.click("#menu")
    assert page.locator("#candidate").is_visible()
    page.click("nav a:has-text('Bias')")
    page.wait_for_selector("html[data-tab=bias]", state="attached")
    assert not page.locator("nav").is_visible()


def test_keys_open_the_tabs_and_back_returns(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="")
    page.keyboard.press("4")
    page.wait_for_selector("html[data-tab=bias]", state="attached")
    page.go_back()
    page.wait_for_selector("html[data-tab=summary]", state="attached")


def test_a_value_of_the_heat_table_opens_its_items(plain: RunDir, visit: Open) -> None:
    page = visit(plain, fragment="#metrics")
    page.locator(".heat a.lvl").nth(1).click()
    page.wait_for_selector("html[data-tab=items]", state="attached")
    assert page.evaluate("location.hash").startswith("#items&eval=reviews&pair=")
    assert page.locator("#list button").count() > 5


def test_long_names_and_twenty_models_do_not_scroll_sideways(chromium: Any, plain: RunDir, tmp_path: Path) -> None:
    """Every name is 60 characters without a space, and there are fourteen more models."""
    shutil.copytree(plain.path, tmp_path / "run")
    text = (tmp_path / "run" / "results.json").read_text("utf-8")
    long = {name: f"{name}_{'very_long_model_name' * 3}"[:60] for name in ("finetuned", "lora", "linear", "scratch")}
    for name, new in long.items():
        text = text.replace(f'"{name}"', f'"{new}"')
    results = json.loads(text)
    for number in range(14):
        results["models"].append(
            {**results["models"][1], "name": f"further_{number:02d}_{'very_long_model_name' * 3}"[:60]}
        )
        copies = [row for row in results["metrics"] if row["model"] == "tfidf"]
        results["metrics"] += [{**row, "model": results["models"][-1]["name"]} for row in copies]
    run = RunDir(tmp_path / "run")
    run.write(Results.model_validate(results))
    (run.path / "report.html").write_text(render_html(run), "utf-8")
    for width in (390, 1280):
        page = chromium.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.goto((run.path / "report.html").as_uri())
        page.wait_for_selector("html[data-tab]", state="attached")
        for part in TABS:
            tab(page, part)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (part, width)
        page.close()
