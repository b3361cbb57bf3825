"""The page and the table of a data audit: offline, escaped, and without anybody's data."""

from __future__ import annotations

import csv
import io

from harness_support.plain_models import dataset

from harness.data.data_audit import audit
from harness.report.formats.audit_page import audit_csv, audit_html

ROWS = [
    {"text": f"She is a nurse, write to ada{k}@example.org. <script>alert(1)</script>", "label": "=SUM(A1)"}
    for k in range(6)
] + [{"text": f"He is a pilot {k}.", "label": "<b>good</b>"} for k in range(6)]


def test_the_page_is_offline_and_shows_no_personal_data() -> None:
    page = audit_html([audit(dataset(ROWS), "test", label="label")])
    assert "example.org" not in page
    assert "<script" not in page
    assert "&lt;b&gt;good&lt;/b&gt;" in page
    assert "Suspected personal data: e-mail address" in page
    for caption in ("Class balance", "Labels by group", "Is a label as frequent", "Words beside groups"):
        assert caption in page


def test_the_table_has_every_part_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(audit_csv([audit(dataset(ROWS), "test", label="label")]))))
    assert {row["part"] for row in rows} == {
        "quality", "label", "suspected personal data", "group", "label by group", "test of label rates",
        "co-occurrence",
    }  # fmt: skip
    assert "'=SUM(A1)" in {row["item"] for row in rows}
    (nurse,) = (row for row in rows if row["item"] == "nurse" and row["group"] == "female")
    assert float(nurse["lift"]) == 2.0
