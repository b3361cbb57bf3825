"""A run that is too large for one file: everything is counted, little is drawn, the rest is read on demand."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_support.page_reader import items_of

from harness.report.formats.write_reports import write_reports
from harness.report.live_server import server
from harness.storage.run_dir import RunDir

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ITEMS = 100_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """The simulated run of benchmarks/report.py, with its reports."""
    path = Path(__file__).parents[2] / "benchmarks" / "report.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_reports", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: RunDir = module.make_run(tmp_path_factory.mktemp("large"), ITEMS)
    write_reports(run)
    return run


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    page = chromium.new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    yield page
    page.close()
    assert seen == []


def counted(page: Any, text: str) -> None:
    page.wait_for_function("text => document.getElementById('item-count').textContent.startsWith(text)", arg=text)


def test_the_file_keeps_its_limit_and_says_what_it_lacks(large: RunDir) -> None:
    text = (large.path / "report.html").read_text("utf-8")
    assert len(text.encode()) <= 10_000_000
    for one in items_of(text):
        assert len(one.ids) == one.head["total"] == ITEMS
        assert 0 < len(one.rows) == one.head["shown"] < ITEMS
        assert one.head["flipsShown"] < one.head["flips"]


def test_every_item_is_counted_and_few_are_drawn(large: RunDir, page: Any) -> None:
    page.goto((large.path / "report.html").as_uri() + "#items")
    page.wait_for_selector("#browser[data-ready]", state="attached")
    flips = large.read_results().flips[0]
    counted(page, f"{flips.broken:,} of {ITEMS:,}")
    page.click("#show-all")
    counted(page, f"{ITEMS:,} of {ITEMS:,}")
    page.click("#show-broken")
    counted(page, f"{flips.broken:,} of {ITEMS:,}")
    page.select_option("#order", "loss")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("document.getElementById('list-box').scrollTop = 1e9")
    page.wait_for_selector(f"#list li[aria-posinset='{flips.broken}']")
    assert page.locator("#list button").count() < 40
    assert "are on this page" in page.inner_text("#browser-note")


def test_a_text_that_the_file_lacks_is_read_from_the_server(large: RunDir, page: Any) -> None:
    bound = server(large, 0)
    threading.Thread(target=bound.serve_forever, daemon=True).start()
    try:
        item = large.read_items("second")[777]
        page.goto(f"{bound.address}#item=second/{item.id}")
        page.wait_for_selector("#browser[data-ready=second]", state="attached")
        page.wait_for_selector("#detail .body")
        assert page.inner_text("#detail .body") == item.texts["text"]
    finally:
        bound.shutdown()
        bound.server_close()
