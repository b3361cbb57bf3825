"""The page's structure, its policy, its size, and that foreign text is never markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_support.page_reader import Page, items_of, waiting_of, whole_page
from harness_support.report_runs import HOSTILE, Options, build_run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.core.errors import DataError
from harness.core.interval import Interval
from harness.report.charts.line_charts import rate_curve, throughput_curve
from harness.report.formats.html_page import render_html, render_view
from harness.report.formats.page_environment import environment
from harness.report.formats.write_reports import write_reports
from harness.report.sections.items.item_browser import item_measures
from harness.report.sections.metrics.overview import overview
from harness.report.sections.summary.forest_plot import leading_forest
from harness.report.view.comparison_reading import classify_change
from harness.report.view.item_columns import measure
from harness.report.view.run_view import RunView
from harness.report.web import item_data
from harness.report.wording.narrative import change
from harness.schema.results.metrics import AdjustedResult, SeedsResult
from harness.storage.run_dir import RunDir

TABS = ["summary", "metrics", "items", "bias", "models", "data", "provenance"]
WRITTEN = ["report.html", "summary.md", "junit.xml", "model-card.md", "comment.md", "metrics.csv", "comparisons.csv"]
FORBIDDEN = {"img", "iframe", "object", "embed", "link", "base", "video", "audio", "image", "use", "foreignobject"}


def page_of(run: RunDir) -> Page:
    return Page(whole_page((run.path / "report.html").read_text("utf-8")))


def test_all_reports_are_written(tmp_path: Path) -> None:
    paths = write_reports(build_run(tmp_path))
    assert [path.name for path in paths] == WRITTEN


def test_the_same_run_gives_the_same_bytes(plain: RunDir) -> None:
    before = {name: (plain.path / name).read_bytes() for name in WRITTEN}
    write_reports(plain)
    assert {name: (plain.path / name).read_bytes() for name in before} == before


def test_tabs_stand_in_order_and_only_the_summary_is_built(plain: RunDir) -> None:
    text = (plain.path / "report.html").read_text("utf-8")
    assert Page(text).ids("section") == TABS
    assert list(waiting_of(text)["tabs"]) == TABS[1:]
    assert "overview" not in text.split("<script")[0]


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(plain: RunDir) -> None:
    page = page_of(plain)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    places = {href[1:].split("&")[0] for href in anchors if href.startswith("#") and not href.startswith("#item=")}
    assert places <= set(ids)
    named = [(tag, attributes.get("aria-labelledby")) for tag, attributes in page.tags if tag in ("section", "dialog")]
    assert {name for _, name in named} <= set(ids)
    files = [href for href in anchors if not href.startswith("#")]
    assert files
    assert all((plain.path / href).is_file() for href in files)


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_nothing_points_outside(name: str, request: pytest.FixtureRequest) -> None:
    page = page_of(request.getfixturevalue(name))
    for tag, attributes in page.tags:
        assert tag not in FORBIDDEN
        assert not {key for key in attributes if key.startswith("on") or key in ("src", "style", "action", "srcset")}
        assert "://" not in (attributes.get("href") or "")
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:"))
    css = "".join(page.inside["style"])
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_the_policy_names_the_inline_script_and_style(name: str, request: pytest.FixtureRequest) -> None:
    page = page_of(request.getfixturevalue(name))
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    data, *blobs, script = page.inside["script"]
    heads = json.loads(data)["items"]
    assert len(heads) == len(blobs) > 0
    for text, kind in ((script, "script-src"), (page.inside["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert len(page.inside["style"]) == 1


def test_size_stays_below_a_megabyte(plain: RunDir) -> None:
    assert (plain.path / "report.html").stat().st_size <= 1_000_000


def test_hostile_text_is_shown_as_text(hostile: RunDir) -> None:
    text = whole_page((hostile.path / "report.html").read_text("utf-8"))
    page = Page(text)
    shown = "".join(page.texts)
    assert "</script><script>alert(1)</script>" in shown
    assert "<img src=x onerror=alert(1)>" in shown
    assert "{{7*7}}" in shown
    assert "49" not in re.findall(r"\{\{|49(?= \{%)", shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert "⟨U+202E⟩" in shown


def test_the_data_blocks_hold_no_markup(hostile: RunDir) -> None:
    page = page_of(hostile)
    for data in page.inside["script"][:-1]:
        assert not set("<>&\u2028\u2029") & set(data)
    texts = [row[0] for row in items_of((hostile.path / "report.html").read_text("utf-8"))[0].rows]
    assert any(HOSTILE[0] in text for text in texts)
    assert any("more characters" in text for text in texts)
    assert not any("\u202e" in text or "\x1b" in text for text in texts)


def test_waiting_parts_are_harmless_and_each_has_its_place(hostile: RunDir) -> None:
    text = (hostile.path / "report.html").read_text("utf-8")
    waiting = waiting_of(text)
    parts, tabs = waiting["parts"], waiting["tabs"]
    assert set(parts) == {pair.key for pair in RunView.open(hostile).contests[1:]}
    whole = text + "".join(tabs.values())
    templates = re.findall(r'<template data-part="([^"]*)"></template>', whole)
    assert sorted(templates) == sorted(f"{key}/{k}" for key, own in parts.items() for k in range(len(own)))
    script = text[text.rindex("<script>") :].replace('" +\n    "', "").replace('" +\n"', "")
    lists = re.findall(r"const (TAGS|NAMES) = new Set\(\(([^)]*)\)\.split", script)
    allowed = {name: set(words.strip('"').lower().split()) for name, words in lists}
    later = [*tabs.values(), *(part for own in parts.values() for part in own)]
    for part in later:
        for tag, attributes in Page(part).tags:
            assert tag in allowed["TAGS"] - FORBIDDEN
            assert {key.lower() for key in attributes} <= allowed["NAMES"] - {"src", "style"}
    assert "&lt;script&gt;alert(1)" in "".join(later)


@given(st.lists(st.one_of(st.none(), st.floats(-1e300, 1e300), st.sampled_from([np.inf, -np.inf])), max_size=20))
def test_numbers_keep_four_digits(values: list[float | None]) -> None:
    column = np.array([np.nan if value is None else value for value in values], dtype=float)
    rounded = json.loads(item_data.json_bytes(item_data.rounded(column)))
    for value, short in zip(column, rounded, strict=True):
        assert short is None if not np.isfinite(value) else short == pytest.approx(value, rel=5.01e-4)


@given(arrays(np.bool_, st.tuples(st.integers(0, 11), st.integers(1, 30))))
def test_slices_come_back_from_their_sets(inside: Any) -> None:
    sets, place = item_data.groups(inside)
    assert [[k in sets[at] for at in place] for k in range(len(inside))] == inside.tolist()
    assert len({tuple(members) for members in sets}) == len(sets)


def test_the_pages_columns_are_those_of_the_records(plain: RunDir) -> None:
    view = RunView.open(plain)
    found = items_of((plain.path / "report.html").read_text("utf-8"))
    assert [one.head["name"] for one in found] == ["reviews", "general", "pairs", "names", "written"]
    for one in found:
        place = {item[: one.head["idLength"]]: k for k, item in enumerate(view.item_table(one.head["name"]).ids)}
        order = [place[short] for short in one.ids]
        assert sorted(order) == list(range(one.head["total"]))
        for model, (answers, _, value) in one.sides.items():
            records = view.records(one.head["name"], model)
            wanted, _ = measure(records, item_measures(view, one.head["name"]))
            assert value == pytest.approx(wanted[order], rel=5.01e-4, nan_ok=True)  # four digits
            if one.head["answers"]:
                assert answers == [records.texts("prediction")[k] for k in order]
    reviews = found[0]
    records = view.records("reviews", "lora")
    for k, name in enumerate(reviews.head["slices"]):
        members = {
            item[: reviews.head["idLength"]]
            for item, inside in zip(records.item_ids, records.in_slice(name), strict=True)
            if inside
        }
        assert {short for short, inside in zip(reviews.ids, reviews.inside[k], strict=True) if inside} == members


def test_tables_have_captions_and_scoped_heads(plain: RunDir) -> None:
    page = page_of(plain)
    count = {tag: sum(name == tag for name, _ in page.tags) for tag in ("table", "caption")}
    assert count["table"] == count["caption"] > 20
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_scrolling_regions_can_be_reached_and_have_names(plain: RunDir) -> None:
    wide = [a for _, a in page_of(plain).tags if "wide" in (a.get("class") or "").split()]
    assert wide
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in wide)


def test_every_drawing_is_hidden_or_described(plain: RunDir) -> None:
    drawings = [a for tag, a in page_of(plain).tags if tag == "svg"]
    assert drawings
    assert all(a.get("aria-hidden") == "true" or (a.get("role") == "img" and a.get("aria-label")) for a in drawings)


def test_an_empty_run_shows_no_empty_sections(plain: RunDir, tmp_path: Path) -> None:
    results = plain.read_results()
    lists = ("models", "data", "evaluations", "metrics", "comparisons", "flips", "tables", "gates")
    nothing: dict[str, list[object]] = {key: [] for key in (*lists, "candidates", "release")}
    empty = RunDir(tmp_path)
    empty.write(results.model_copy(update=nothing), plain.read_info())
    paths = write_reports(empty)
    page = Page(whole_page(paths[0].read_text("utf-8")))
    assert [name for name in page.ids("section") if name in TABS] == TABS
    assert "nothing was judged" in " ".join(page.texts)


def test_a_run_without_records_keeps_its_numbers(plain: RunDir, tmp_path: Path) -> None:
    bare = RunDir(tmp_path)
    bare.write(plain.read_results(), plain.read_info())
    text = whole_page(render_html(bare))
    assert "the run directory does not contain the item texts" in text
    assert "reviews" in text


def test_names_from_results_never_lead_out_of_the_run(plain: RunDir) -> None:
    view = RunView.open(plain)
    assert view.records("../../etc", "passwd") is None
    assert view.records("reviews", "../reviews/base") is None
    assert view.item_table("..") is None


def test_a_folder_that_is_no_run_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run directory"):
        write_reports(RunDir(tmp_path))


def test_texts_beyond_the_budget_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.report.formats.html_page.SMALL_PAGE", 391_500)
    monkeypatch.setattr("harness.report.formats.html_page.BYTES_PER_ITEM", 1)
    run = build_run(tmp_path, Options(items=4000, steps=10))
    paths = write_reports(run)
    assert paths[0].stat().st_size <= 391_500
    reviews = items_of(paths[0].read_text("utf-8"))[0]
    head = reviews.head
    assert len(reviews.rows) == head["shown"] < head["total"] == 4000 == len(reviews.ids)
    base, candidate = (reviews.sides[head["models"][side]] for side in head["pairs"][0])
    flipped = base[1] != candidate[1]
    change = abs(candidate[2] - base[2])
    leading = [k for k in range(head["shown"]) if flipped[k]]
    assert [change[k] for k in leading] == pytest.approx(sorted((change[k] for k in leading), reverse=True), rel=1e-3)
    assert flipped.sum() >= len(leading) >= 0.7 * head["shown"]  # a sample of the rest stands between them
    assert head["flipsShown"] <= head["flips"]


def test_the_script_and_style_stay_small(plain: RunDir) -> None:
    page = page_of(plain)
    assert len(page.inside["script"][-1]) < 60_000
    assert len(page.inside["style"][0]) < 30_000


def test_training_seeds_stand_beside_the_first_checkpoint(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    results = run.read_results()
    rows = list(results.comparisons)
    place = next(i for i, row in enumerate(rows) if row.status == "ok" and row.slice is None)
    seeds = SeedsResult(
        level_of_inference="recipe", seeds=[0, 1, 2], values=[0.01, 0.02, 0.03],
        interval=Interval(value=0.02, low=-0.01, high=0.05),
        variance_seeds=1e-4, variance_items=2e-4, variance_interaction=1e-5, df=2, n=100, clusters=100,
        method="crossed seeds, by hand",
    )  # fmt: skip
    rows[place] = rows[place].model_copy(update={"seeds": seeds})
    run.write(results.model_copy(update={"comparisons": rows}))
    level = next(
        k for k, row in enumerate(results.metrics)
        if (row.id, row.model, row.slice) == (rows[place].id, rows[place].candidate, None)
    )  # fmt: skip
    levels = list(results.metrics)
    levels[level] = levels[level].model_copy(
        update={"seeds": seeds.model_copy(update={"interval": seeds.interval.with_value(0.5)})}
    )
    run.write(results.model_copy(update={"comparisons": rows, "metrics": levels}))
    text = " ".join(Page(whole_page(render_html(run))).texts)
    assert "Recipe: crossed seeds, by hand" in text
    view = RunView.open(run)
    assert classify_change(rows[place]) == "unclear"  # as gates: the recipe's interval holds zero
    forest = leading_forest(view, view.contests[0])
    assert forest is not None
    assert next(row[2:4] for row in forest.table if row[0] == rows[place].id) == ("+2.0 points", "−1.0…+5.0")
    whole = overview(view)
    assert whole is not None
    cells = [cell for _, group in whole.groups for row in group for cell in row.cells if not isinstance(cell, str)]
    cell = next(cell for cell in cells if cell.seeds)
    assert (cell.text, cell.seeds, cell.delta, cell.kind) == ("50.0%", "mean of 3 seeds", "+2.0", "unclear")
    assert "over 3 training seeds" in text


def test_figures_of_very_few_items_are_left_to_the_tables(tmp_path: Path) -> None:
    """The interval of two items, hundreds of points long, would flatten every other one on the same axis."""
    results = build_run(tmp_path).read_results()
    view = RunView(results)
    forest = leading_forest(view, view.contests[0])
    assert forest is not None
    drawn = {row[0] for row in forest.table}
    rows = [row.model_copy(update={"n": 2}) if row.id in drawn else row for row in results.comparisons]
    few = RunView(results.model_copy(update={"comparisons": rows}))
    left = leading_forest(few, few.contests[0])
    assert left is None or not drawn & {row[0] for row in left.table}


def test_two_seeds_leave_the_first_checkpoint_in_its_place(tmp_path: Path) -> None:
    results = build_run(tmp_path).read_results()
    row = next(row for row in results.comparisons if row.slice is None and row.status == "ok")
    seeds = SeedsResult(
        level_of_inference="checkpoint", seeds=[4, 5], values=[0.01, 0.03], interval=Interval(value=0.02), df=1, n=100,
        clusters=100, method="two",
    )  # fmt: skip
    two = RunView(results.model_copy(update={"comparisons": [row.model_copy(update={"seeds": seeds})]}))
    assert change(two.results.comparisons[0]) == change(row)


def test_models_that_the_leading_metric_does_not_measure_have_a_row_of_their_own(plain: RunDir) -> None:
    results = plain.read_results()
    for row in results.metrics:
        if (row.evaluation, row.model, row.metric) == ("general", "scratch", "pseudo_bits_per_byte"):
            row.id, row.metric = "general.bits_per_byte", "bits_per_byte"
    view = RunView(results)
    whole = overview(view)
    assert whole is not None
    rows = {row.metric: row for _, group in whole.groups for row in group if row.evaluation == "general"}
    place = [name for name, _ in whole.models].index("scratch")
    assert rows["pseudo_bits_per_byte"].cells[place] != "not asked"
    assert not isinstance(rows["bits_per_byte"].cells[place], str)
    other = [name for name, _ in whole.models].index("base")
    assert rows["bits_per_byte"].cells[other] == "measured by pseudo_bits_per_byte"


def test_every_training_log_gives_loss_rate_and_throughput(plain: RunDir) -> None:
    page = page_of(plain)
    text = " ".join(page.texts)
    labels = [attributes.get("aria-label") or "" for tag, attributes in page.tags if tag == "svg"]
    logs = sorted(path.stem for path in (plain.path / "training").glob("*.jsonl"))
    for model in logs:
        for what in ("loss", "learning rate", "throughput"):
            assert sum(label.startswith(f"{model}: {what}.") for label in labels) == 1
            assert f"{model}: {what}: the numbers behind the chart" in text
    assert len(logs) == 5


def test_rates_and_throughputs_are_those_of_the_log() -> None:
    steps = [
        {"step": 10, "loss": 2.0, "learning_rate": 0.0004, "tokens_per_second": 900.0},
        {"step": 20, "loss": 1.0, "learning_rate": 0.0008, "tokens_per_second": 2400.0},
        {"step": 30, "loss": 0.5, "learning_rate": 0.0, "tokens_per_second": float("nan")},
    ]
    rate, speed = rate_curve("m", steps), throughput_curve("m", steps)
    assert rate is not None
    assert speed is not None
    assert rate.rows == [["10", "0.0004"], ["20", "0.0008"], ["30", "0"]]
    assert rate.y_label == "learning rate, in 10⁻⁴"
    assert "0.0008, at step 20" in rate.summary
    assert speed.rows == [["10", "900"], ["20", "2,400"]]
    assert speed.y_label == "thousand tokens per second"
    assert rate_curve("m", steps[:1]) is None
    assert throughput_curve("m", [{"step": 1}, {"step": 2}]) is None


def test_slices_show_the_interval_that_holds_for_all_of_them_at_once(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    results = run.read_results()
    rows = list(results.comparisons)
    family = [
        k for k, row in enumerate(rows) if (row.id, row.candidate) == ("reviews.accuracy", "finetuned") and row.slice
    ]
    for k in family:
        update: dict[str, object] = {"delta": Interval(value=0.2, low=0.1234, high=0.2766)}
        update |= {
            "simultaneous": Interval(value=0.2, low=-0.0321, high=0.4321),
            "n": 200,
            "p_adjusted": 0.01,
            "family": len(family),
            "correction": "holm",
        }
        rows[k] = rows[k].model_copy(update=update)
    run.write(results.model_copy(update={"comparisons": rows}))
    page = Page(whole_page(render_html(run)))
    text = " ".join(page.texts)
    assert f"95% intervals hold simultaneously for all {len(family)} slices; p: Holm, family of {len(family)}" in text
    assert text.count("(−3.2…+43.2)") == len(family)
    assert "+12.3…+27.7" not in text
    assert [classify_change(rows[k]) for k in family] == ["unclear"] * len(family)  # the wider interval holds zero
    assert "95% interval −3.2…+43.2 for all slices simultaneously" in change(rows[family[0]])


def test_what_asking_costs_stands_beside_the_models(plain: RunDir) -> None:
    page = whole_page((plain.path / "report.html").read_text("utf-8"))
    table = page[page.index("Inference cost") :]
    rows = re.findall(r"<tr><th scope=\"row\"><bdi>reviews</bdi>.*?</tr>", table[: table.index("</table>")])
    cells = [[re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?</td>", row)] for row in rows]
    assert cells == [
        ["base", "42 s", "–", "–", "–", "–", "–"],
        ["finetuned", "2.5 s", "–", "3.2 TFLOP", "84k", "537 MB", "–"],
    ]


def test_a_comparison_without_a_value_gives_its_reason_and_no_unit(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    results = run.read_results()
    rows = list(results.comparisons)
    place = next(i for i, row in enumerate(rows) if row.status == "ok" and row.slice is None)
    gone = {"delta": Interval(), "baseline_value": None, "candidate_value": None, "p": None}
    rows[place] = rows[place].model_copy(update={**gone, "status": "undefined", "reason": "no group has items."})
    run.write(results.model_copy(update={"comparisons": rows}))
    page = whole_page(render_html(run))
    cell = page[page.index('<section id="deltas"') :]
    cell = cell[cell.index("undefined: no group has items.") :]
    assert re.match(r"undefined: no group has items\.</span>\s*</td>", cell)


def test_190_labels_stay_below_a_megabyte_and_a_half(plain: RunDir) -> None:
    view = RunView.open(plain)
    labels = [f"label {number:03} of several words" for number in range(190)]
    for table in view.results.tables:
        if table.kind == "confusion":
            table.rows, table.columns = labels, labels
            table.values = [[float((row * 7 + column * 3) % 11) for column in range(190)] for row in range(190)]
    reviews = view.evaluations["reviews"]
    reviews.labels, reviews.balance = labels, {label: 10 + place for place, label in enumerate(labels)}
    rows = [row for row in view.results.comparisons if row.id == "reviews.accuracy" and row.slice is None]
    for label in labels:
        update = {"id": f"reviews.f1[{label}]", "metric": f"f1[{label}]"}
        view.results.comparisons += [row.model_copy(update=update) for row in rows]
    assert len(render_view(view).encode()) <= 1_500_000


def test_what_cheap_values_say_stands_beside_the_difference(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    results = run.read_results()
    rows = list(results.comparisons)
    place = next(i for i, row in enumerate(rows) if (row.metric, row.status, row.slice) == ("accuracy", "ok", None))
    surer = AdjustedResult(interval=Interval(value=0.021, low=0.011, high=0.031), n=90, total=600, n_eff=162, gain=1.8)
    rows[place] = rows[place].model_copy(update={"adjusted": surer})
    run.write(results.model_copy(update={"comparisons": rows}))
    text = " ".join(Page(whole_page(render_html(run))).texts)
    assert "adjusted +2.1 (+1.1…+3.1)" in text
    assert "Adjusted: cheap values of 600 items make 90 costly ones worth 1.80 × as many." in text


@pytest.mark.parametrize(
    ("zero", "words"), [(2.0, ["better →"]), (50.0, ["← worse", "better →"]), (98.0, ["← worse"])], ids=str
)
def test_a_side_without_room_has_no_word(plain: RunDir, zero: float, words: list[str]) -> None:
    view = RunView.open(plain)
    forest = leading_forest(view, view.contests[0])
    assert forest is not None
    page = environment().from_string('{% from "macros.html.j2" import forest with context %}{{ forest(shown) }}')
    drawn = page.render(shown=replace(forest, zero=zero))
    assert [word for word in ("← worse", "better →") if word in drawn] == words
