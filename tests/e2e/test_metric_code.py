"""Metric code of a file runs under `harness run --allow-metric-code` and under nothing else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from harness_support.page_reader import whole_page
from harness_support.tiny_world import Shell

from harness.storage import seal

MODULE = """
import sys
from .share import share
open({ran!r}, "a").write(" ".join(sys.argv[:3]))
import datasets
import evaluate

class Mine(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        features = datasets.Features({{"predictions": text, "references": text}})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {{"share": share(predictions, references)}}
"""
SHARE = """
def share(predictions, references):
    return sum(one == other for one, other in zip(predictions, references)) / len(references)
"""
SUITE = """\
name: s
data:
  d: {{file: d.csv, splits: {{train: 0.5, validation: 0.2, test: 0.3}}}}
models:
  a: {{heuristic: {{task: t, rule: majority}}}}
  b: {{heuristic: {{task: t, rule: random}}}}
compare: {{baseline: a}}
tasks:
  t: {{classification: {{data: d, text: text, label: label, metrics: [accuracy, "{name}"]}}}}
gates:
  - {{id: outside, metric: "t.evaluate:mine", kind: absolute, min: 0.01, min_n: 5}}
  - {{id: ours, metric: t.accuracy, kind: absolute, min: 0.01, min_n: 5}}
"""
STRICTER = """\
gates:
  - {id: outside, metric: "t.evaluate:mine", kind: absolute, min: 0.01, min_n: 5}
  - {id: ours, metric: t.accuracy, kind: absolute, min: 0.01, min_n: 5, alpha: 0.001}
"""


class Place:
    """A folder with a suite, its module, and a file that appears when the module's code runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ran = folder, folder / "ran"
        (folder / "mine").mkdir()
        (folder / "mine" / "mine.py").write_text(MODULE.format(ran=str(self.ran)), "utf-8")
        (folder / "mine" / "share.py").write_text(SHARE, "utf-8")
        rows = [f"a {'good' if n % 2 else 'bad'} film number {n},{'ab'[n % 2]}" for n in range(80)]
        (folder / "d.csv").write_text("\n".join(["text,label", *rows, ""]), "utf-8")
        self.shell = Shell(folder, folder / "cache")
        self.write("evaluate:./mine")

    def write(self, name: str) -> None:
        (self.folder / "s.yaml").write_text(SUITE.format(name=name), "utf-8")

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = self.shell(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The folder after one allowed run; no code ran before."""
    made = Place(tmp_path_factory.mktemp("place"))
    for command in (["validate"], ["plan"], ["lock"], ["run", "--allow-metric-code"], ["run"]):
        said = made(command[0], "s.yaml", *command[1:], code=2)
        assert "without a pin" in said
        assert not made.ran.exists()
    (name,) = re.findall(r'metrics: \["(evaluate:[^"]+)"\]', said)
    made.write(name)
    for command in ("validate", "plan", "lock"):
        assert "metric code: not loaded: t.evaluate:mine, 2 files" in made(command, "s.yaml")
        assert not made.ran.exists()
    assert json.loads(made.shell("plan", "s.yaml", "--json").stdout)["metric_code"][0]["loaded"] is False
    for command in (["data", "fetch", "s.yaml"], ["train", "s.yaml"], ["schema"]):
        made(*command)
    assert "metric code is not allowed; nothing ran" in made("run", "s.yaml", code=2)
    assert "metric code is not allowed" in made("run", "s.yaml", "--locked", code=2)
    assert not made.ran.exists()
    assert not (made.folder / "reports").exists()
    made("run", "s.yaml", "--allow-metric-code", "--locked", "-q")
    assert made.ran.exists()
    made.ran.unlink()
    return made


def stored(place: Place, name: str) -> Path:
    """A copy of the run as 0.1.0 wrote it: it names the module without a pin."""
    (run,) = (path.parent for path in (place.folder / "reports").glob("*/*/results.json"))
    copy = place.folder / name
    shutil.copytree(run, copy)
    shutil.copytree(place.folder / "mine", copy / "mine")
    return copy


def renamed(run: Path, name: str) -> None:
    for file in ("results.json", "run.json"):
        text = (run / file).read_text("utf-8")
        (run / file).write_text(re.sub(r"evaluate:\./mine@sha256:[0-9a-f]{64}", name, text), "utf-8")
    seal.write(run, {})


def test_the_figure_is_there(place: Place) -> None:
    results = json.loads((stored(place, "kept") / "results.json").read_text("utf-8"))
    figures = {
        (one["metric"], one["model"]): one["interval"]["value"] for one in results["metrics"] if one["slice"] is None
    }
    assert figures["evaluate:mine", "a"] == figures["accuracy", "a"]
    assert {one["id"]: one["verdict"] for one in results["gates"]} == {"outside": "pass", "ours": "pass"}


@pytest.mark.parametrize("named", ["pinned", "relative", "absolute", "hub"])
def test_reading_a_stored_run_runs_nothing(place: Place, named: str) -> None:
    run = stored(place, named)
    names = {
        "relative": f"evaluate:./{named}/mine",
        "absolute": f"evaluate:{run}/mine",
        "hub": f"evaluate:mine@{'0' * 40}",
    }
    if named in names:
        renamed(run, names[named])
    taken = "External code computed t.evaluate:mine"
    for command in (["gate", named], ["explain", "outside", "--run", named], ["report", named]):
        assert taken in place(*command)
    assert taken in whole_page((run / "report.html").read_text("utf-8"))
    assert taken in (run / "model-card.md").read_text("utf-8")
    compared = place("compare", named, named)
    assert "skipping t.evaluate:mine" in compared
    assert "accuracy" in compared
    assert "skipping t.evaluate:mine" in place("selftest", named, "--swaps", "100")
    (place.folder / "stricter.yaml").write_text(
        (place.folder / "s.yaml").read_text("utf-8").partition("gates:")[0] + STRICTER, "utf-8"
    )
    assert taken in place("gate", named, "--suite", "stricter.yaml", "--write")
    results = json.loads((run / "results.json").read_text("utf-8"))
    assert {one["id"]: one["verdict"] for one in results["gates"]}["outside"] == "pass"
    assert {one["metric"] for one in results["metrics"]} == {"accuracy", "evaluate:mine"}
    place("index", ".")
    assert not place.ran.exists()


def test_a_module_that_changed_is_refused_everywhere(place: Place) -> None:
    helper = place.folder / "mine" / "share.py"
    before = helper.read_text("utf-8")
    helper.write_text(before + "# more\n", "utf-8")
    try:
        for command in (["validate"], ["plan"], ["lock"], ["run", "--allow-metric-code"]):
            assert "changed since it was pinned" in place(command[0], "s.yaml", *command[1:], code=2)
    finally:
        helper.write_text(before, "utf-8")
    assert not place.ran.exists()
