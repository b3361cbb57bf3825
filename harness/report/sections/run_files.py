"""The files of a run directory, as the tab of provenance lists them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from harness.report.view.run_view import RunView


def files(view: RunView) -> list[tuple[str, str, str]]:
    """(relative path, link, what it is) of the files that the run directory holds."""
    if view.run is None:
        return []
    root = view.run.path
    fixed = [
        ("results.json", "metrics, comparisons, verdicts"),
        ("run.json", "command, versions, hardware, times"),
        ("summary.md", "a summary of at most sixty lines"),
        ("junit.xml", "one test case per gate"),
        ("model-card.md", "numbers for a model card"),
        ("comment.md", "body of a pull request comment"),
        ("metrics.csv", "every value, for spreadsheets"),
        ("comparisons.csv", "every difference, for spreadsheets"),
    ]
    made = {"summary.md", "junit.xml", "model-card.md", "comment.md", "metrics.csv", "comparisons.csv"}
    listed = [(name, what) for name, what in fixed if name in made or _own(root / name, root)]
    for folder, what in (
        ("records", "a model's result on each item"),
        ("items", "texts"),
        ("training", "training log"),
    ):
        paths = sorted(path.relative_to(root).as_posix() for path in (root / folder).rglob("*") if _own(path, root))
        listed += [(path, what) for path in paths if not path.rsplit("/", 1)[-1].startswith(".")]
    return [(path, quote(path.encode("utf-8", "replace")), what) for path, what in listed]


def _own(path: Path, root: Path) -> bool:
    """Whether a file stands in the run directory, and is no link to elsewhere."""
    return path.is_file() and path.resolve().is_relative_to(root.resolve())
