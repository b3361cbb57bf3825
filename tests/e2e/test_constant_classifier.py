"""A constant classifier on 97:3 data: its accuracy looks fine, and the gates of `harness init` fail it, in words."""

from __future__ import annotations

import re
from pathlib import Path

from harness_support.page_reader import whole_page
from harness_support.tiny_world import Shell

SUITE = """\
name: rare
data:
  mine: {file: mine.csv, id: id, splits: {train: 0.4, test: 0.6}}
models:
  base: {classical: {task: mine, max_train_rows: 40}}
  constant: {heuristic: {task: mine, rule: majority, max_train_rows: 100}}
compare: {baseline: base, release: [constant]}
tasks:
  mine: {classification: {data: mine}}
gates:
  - {id: accurate, metric: mine.accuracy, kind: absolute, min: 90%}
  - {id: no-constant, metric: mine.f1_macro, kind: superiority, baseline: majority-mine}
"""


def test_it_fails_and_the_reports_say_why(tmp_path: Path) -> None:
    rows = [f"r{k},text number {k} about {'ab'[k % 33 == 0]},{('usual', 'rare')[k % 33 == 0]}" for k in range(660)]
    (tmp_path / "mine.csv").write_text("\n".join(["id,text,label", *rows]) + "\n", "utf-8")
    (tmp_path / "rare.yaml").write_text(SUITE, "utf-8")
    shell = Shell(tmp_path, tmp_path / "cache")
    done = shell("run", "rare.yaml")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "✓ accurate" in done.stdout
    assert "constant is not better than majority-mine on mine.f1_macro" in done.stdout
    assert "Both sides are identical on every item." in done.stdout
    assert re.search(r"class balance of mine: usual 9[67]\.\d%, rare [34]\.\d% of \d+ items", done.stdout)
    (folder,) = (tmp_path / "reports" / "rare").iterdir()
    summary = (folder / "summary.md").read_text("utf-8")
    assert "Class balance of mine: usual 9" in summary
    assert "constant scores the same on every item as majority-mine" in summary
    page = whole_page((folder / "report.html").read_text("utf-8"))
    assert "always answering <bdi>usual</bdi> would be right on 9" in page
    assert "majority-mine 9" in page
