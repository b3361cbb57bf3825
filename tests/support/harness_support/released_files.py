"""Writes what the current version reads and writes to tests/fixtures/released/<version>, once before a release."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from harness.cli.app import invoke
from harness.core.distribution import installed_version
from harness.schema.results.results_file import SHIPPED
from harness.storage.run_dir import RunDir
from harness_support.release_desk import SUITE, ReleaseDesk

RELEASED = Path(__file__).parents[2] / "fixtures" / "released"
SUITES = Path(__file__).parents[3] / "suites"
KEPT = ("records", "items", "audits")


def final_version() -> str:
    """The version that the current one is on the way to: 0.2.0 for 0.2.0.dev0."""
    return installed_version().partition(".dev")[0]


def write(folder: Path) -> None:
    """Writes a version's folder: the bundled suites, a small suite with its data, its run, and the results schema."""
    folder.mkdir(parents=True)
    shutil.copytree(SUITES, folder / "suites", ignore=lambda _, names: [n for n in names if not n.endswith(".yaml")])
    shutil.copyfile(SHIPPED, folder / "results.schema.json")
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        os.environ["HARNESS_CACHE_DIR"] = f"{made}/cache"
        ReleaseDesk(Path(made), None)
        assert invoke(["run", "mood.yaml", "--quiet"]) == 0
        (source,) = (RunDir(path) for path in Path(made, "reports", "mood").iterdir() if path.is_dir())
        target = RunDir(folder / "run")
        target.path.mkdir()
        for part in KEPT:
            if (source.path / part).is_dir():
                shutil.copytree(source.path / part, target.path / part)
        info = source.read_info().model_copy(
            update={"suite_path": "mood.yaml", "suite_text": SUITE, "hardware": {}, "git": {}, "versions": {
                "harness": installed_version()}}
        )  # fmt: skip
        target.write(source.read_results(), info)
        (folder / "mood.yaml").write_text(SUITE, "utf-8")
        shutil.copyfile(Path(made, "notes.csv"), folder / "notes.csv")


if __name__ == "__main__":
    write(RELEASED / final_version())
