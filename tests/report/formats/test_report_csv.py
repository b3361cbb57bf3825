"""metrics.csv and comparisons.csv: the figures of results.json, and no formulas."""

from __future__ import annotations

import csv
import io

from harness.report.formats.csv_tables import comparisons_csv, metrics_csv
from harness.storage.run_dir import RunDir


def test_every_figure_is_there(plain: RunDir) -> None:
    results = plain.read_results()
    rows = list(csv.DictReader(io.StringIO(comparisons_csv(results))))
    assert len(rows) == len(results.comparisons)
    for row, source in zip(rows, results.comparisons, strict=True):
        assert (row["evaluation"], row["candidate"], row["slice"]) == (
            source.evaluation,
            source.candidate,
            source.slice or "",
        )
        assert float(row["delta"]) == source.delta.value
    assert len(list(csv.DictReader(io.StringIO(metrics_csv(results))))) == len(results.metrics)


def test_cells_are_no_formulas(hostile: RunDir) -> None:
    results = hostile.read_results()
    results.comparisons[0].slice = '=HYPERLINK("http://evil.test","x")\n@x'
    results.metrics[0].method = "+1"
    rows = list(csv.reader(io.StringIO(comparisons_csv(results) + metrics_csv(results))))
    texts = [cell for row in rows for cell in row if not cell.lstrip("-").replace(".", "").replace("e-", "").isdigit()]
    assert not [cell for cell in texts if cell[:1] in ("=", "+", "@")]
    assert not [cell for cell in texts if cell.startswith("-") and not cell[1:2].isdigit()]
