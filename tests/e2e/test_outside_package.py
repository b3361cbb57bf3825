"""An outside package adds a task, a probe, a metric and a data source, each in one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from world import Shell

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "outsider"
version = "1.0"
[project.entry-points."harness.tasks"]
shouting = "outsider.task:Shouting"
[project.entry-points."harness.probes"]
echo = "outsider.probe:Echo"
[project.entry-points."harness.metrics"]
loudness = "outsider.metric:Loudness"
[project.entry-points."harness.sources"]
counted = "outsider.source:open_rows"
"""

SOURCE = '''
"""Rows that count."""
summary = "numbered sentences"
def open_rows(options, base):
    for number in range(int(options["rows"])):
        word = "good" if number % 2 else "bad"
        yield {"text": f"Note number {number} is {word}.", "label": word}
'''

METRIC = '''
"""Share of right answers, by another name."""
import numpy as np
class _Metric:
    id, unit, direction, ideal, kind, cluster = "loudness", "fraction", "higher", None, "mean", None
    def stats(self, records):
        return records.stat("loud")[:, None]
    def value(self, sums, n):
        return sums[..., 0] / n
class Loudness:
    needs = ("stat.loud",)
    summary = "share of items whose answer is loud"
    def __call__(self, name, context):
        return [_Metric()]
'''

TASK = '''
"""Does a classifier say `good` of a shouted text?"""
from harness.core.evaluation import Item, MetricContext
from harness.core.digests import text_digest
from harness.core.records import Record
from harness.core.requests import Classify, Failure
from harness.schema.suite.evaluation_options import EvaluationOptions
class Options(EvaluationOptions):
    data: str
class Shouting:
    Options = Options
    role, kind = "task", "shouting"
    summary = "says good of a shouted text"
    provides = ("stat.loud",)
    default_metrics = ("loudness",)
    def __init__(self, name, options, context):
        self.name, self.options = name, options
    @classmethod
    def data_names(cls, options):
        return (options.data,)
    def spec(self):
        return {"format": 1, "limit": self.options.limit}
    def items(self, data, split):
        for row in data[0].split(split):
            text = str(row.fields["text"]).upper()
            yield Item(text_digest(text), {"text": text}, {"text": text}, clusters={"row": row.cluster})
    def protocol(self, facts):
        return "head" if facts.labels else None
    def unsupported(self, facts):
        return "it has no classification head"
    def requests(self, item, protocol):
        return (Classify(item.payload["text"], ("bad", "good")),)
    def record(self, item, protocol, responses):
        answer = responses[0]
        if isinstance(answer, Failure):
            return Record(item.id, item.id, status="failed", response=answer.to_json())
        loud = float(answer.values[1] > answer.values[0])
        return Record(item.id, item.id, clusters=item.clusters, stats={"loud": loud})
    def metric_context(self):
        return MetricContext()
'''

PROBE = TASK.replace("Shouting", "Echo").replace('"task", "shouting"', '"probe", "echo"').replace(".upper()", "+ '!'")

SUITE = """\
name: outside
data:
  counted: {source: counted, options: {rows: 120}}
models:
  one: {classical: {task: words}}
  two: {classical: {task: words, ngrams: 1}}
compare: {baseline: one, candidates: [two], release: [two]}
tasks:
  words: {classification: {data: counted, text: text, label: label}}
  shouted: {shouting: {data: counted}}
probes:
  echoed: {echo: {data: counted}}
gates:
  - {id: loud, metric: shouted.loudness, kind: absolute, min: 0.1, min_n: 5}
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Builds and installs the package into a folder of its own; returns that folder."""
    source = tmp_path / "outsider-source"
    package = source / "outsider"
    package.mkdir(parents=True)
    (source / "pyproject.toml").write_text(PYPROJECT)
    for name, text in (("__init__", ""), ("source", SOURCE), ("metric", METRIC), ("task", TASK), ("probe", PROBE)):
        (package / f"{name}.py").write_text(text)
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation",
         "--target", str(target), str(source)],
        check=True,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    return target


def test_an_installed_package_extends_harness(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    (tmp_path / "outside.yaml").write_text(SUITE)
    shell = Shell(tmp_path, tmp_path / "cache")
    listed = shell("list", "tasks", "probes", "metrics", "sources")
    for name in ("shouting", "echo", "loudness", "counted"):
        assert name in listed.stdout, listed.stderr
    assert "(from outsider)" in listed.stdout
    run = shell.run("outside.yaml")
    assert run["verdict"] == "pass"
    assert {entry["id"] for entry in run["results"]["metrics"]} >= {"shouted.loudness", "echoed.loudness"}
    assert {entry["id"] for entry in run["results"]["comparisons"]} >= {"shouted.loudness", "echoed.loudness"}
