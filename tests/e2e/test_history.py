"""What a run finds does not depend on what the cache knew before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import Shell, write_world

Finished = tuple[Shell, dict[str, Any]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "earlier",
    [("--limit", "30"), ("--only", "notes,classical,linear"), ("--only", "general"), ("other.yaml",)],
    ids=["limit", "models", "evaluation", "sibling"],
)
def test_results_are_equal_whatever_ran_before(finished: Finished, tmp_path: Path, earlier: tuple[str, ...]) -> None:
    _, undisturbed = finished
    folder = tmp_path / "world"
    folder.mkdir()
    suite = write_world(folder).read_text("utf-8")
    (folder / "other.yaml").write_text(
        suite.replace("name: tiny", "name: other").replace("swap: [gender]", "swap: [gender, names]"), "utf-8"
    )
    shell = Shell(folder, tmp_path / "cache")
    first = ("tiny.yaml", *earlier) if earlier[0].startswith("--") else earlier
    assert shell("run", *first, "--out", "earlier").returncode in {0, 11, 12}
    last = shell.run("tiny.yaml")
    assert (last["folder"] / "results.json").read_bytes() == (undisturbed["folder"] / "results.json").read_bytes()
