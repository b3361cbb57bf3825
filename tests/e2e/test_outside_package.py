"""An outside package adds a task, a probe, a metric, a model kind and a data source, each in one file."""

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
[project.entry-points."harness.models"]
keywords = "outsider.kind:Keywords"
[project.entry-points."harness.sources"]
counted = "outsider.source:open_rows"
"""

KIND = '''
"""A classifier that knows a few words: options, training and answers."""
import json, time
from pydantic import Field
from harness.core.model import ModelFacts
from harness.core.model_kind import CheckpointFormat, ModelKind, StageCost
from harness.core.requests import Classify
from harness.schema.suite.types import Strict
FILE = "keywords.json"
class Options(Strict):
    """Words that stand with one label only."""
    task: str
    words: int = Field(3, ge=1)
    seed: int | None = None
def train(options, inputs, work, reporter, *, save_every=None):
    from harness.training.checkpoint_metadata import write_metadata
    started = time.monotonic()
    seen = {}
    for example in inputs.train:
        for word in example.text.lower().rstrip(".").split():
            seen.setdefault(word, set()).add(example.places[0])
    known = {word: min(places) for word, places in sorted(seen.items()) if len(places) == 1 and word.isalpha()}
    (work / FILE).write_text(json.dumps(dict(list(known.items())[: options.words])))
    cost = {"tokens": 0, "flops": 0.0, "steps": 0, "parameters": len(known), "trainable": len(known)}
    page = write_metadata(work, kind="keywords", stage=options.model_dump(), inputs=inputs, cost=cost, recipe={})
    return {**page, "validation": None, "measured": {"seconds": time.monotonic() - started, "peak_memory": 0}}
class Answers:
    def __init__(self, words, facts):
        self.words, self.facts = words, facts
    def compute(self, requests):
        from harness.models.response_builders import choose
        import numpy as np
        for request in requests:
            if isinstance(request, Classify):
                places = [self.words[w] for w in request.text.lower().rstrip(".!").split() if w in self.words]
                scores = np.log([0.9 if places and place == places[0] else 0.1 for place in range(2)])
                yield request, choose(request, self.facts.labels, scores, 0)
def open_keywords(folder, context):
    from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
    labels = tuple(json.loads((folder / "checkpoint.json").read_text())["labels"])
    facts = ModelFacts(digest=checkpoint_digest(folder, context.resolve), family="keywords", language_model=None,
                       labels=labels, supports=frozenset({Classify.kind}), answer_key={"keywords": 1})
    return Answers(json.loads((folder / FILE).read_text()), facts)
class Keywords(ModelKind[Options]):
    name, Options, goal = "keywords", Options, "know a few words"
    summary = "a classifier by keywords"
    train = "outsider.kind:train"
    formats = (CheckpointFormat("keywords", opener="outsider.kind:open_keywords", files=(FILE,), family="keywords"),)
    def label(self, options):
        return f"the {options.words} first words that tell labels apart"
    def defaults(self, options, examples, type_):
        return {"keywords": 1}
    def refuses_child(self, options, child):
        return "a list of words"
'''

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
  three: {keywords: {task: words}}
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
    for name, text in (
        ("__init__", ""),
        ("source", SOURCE),
        ("metric", METRIC),
        ("task", TASK),
        ("probe", PROBE),
        ("kind", KIND),
    ):
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
    listed = shell("list", "tasks", "probes", "metrics", "models", "sources")
    for name in ("shouting", "echo", "loudness", "keywords", "counted"):
        assert name in listed.stdout, listed.stderr
    assert "(from outsider)" in listed.stdout
    run = shell.run("outside.yaml")
    assert run["verdict"] == "pass"
    assert {entry["id"] for entry in run["results"]["metrics"]} >= {"shouted.loudness", "echoed.loudness"}
    assert {entry["id"] for entry in run["results"]["comparisons"]} >= {"shouted.loudness", "echoed.loudness"}
    made = {model["name"]: model for model in run["results"]["models"]}["three"]
    assert (made["made_by"], made["training"]["goal"]) == ("keywords", "know a few words")
    assert made["label"] == "the 3 first words that tell labels apart"
    accuracy = {
        entry["model"]: entry["value"] for entry in run["results"]["metrics"] if entry["id"] == "words.accuracy"
    }
    assert accuracy["three"] == 1.0
    planned = shell("plan", "outside.yaml")
    assert "the 3 first words" in planned.stdout, planned.stderr
    exported = shell("export", run["folder"], "three", "copy")
    assert "other tools do not" in exported.stdout, exported.stderr


def test_faults_of_an_outside_kind_stand_at_their_line(
    outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(outside))
    wrong = SUITE.replace("three: {keywords: {task: words}}", "three: {keywords: {task: wrods, words: 0}}")
    wrong = wrong.replace("two: {classical: {task: words, ngrams: 1}}", "two: {prompt: {from: three, task: words}}")
    (tmp_path / "outside.yaml").write_text(wrong)
    shell = Shell(tmp_path, tmp_path / "cache")
    refused = shell("validate", "outside.yaml")
    assert "outside.yaml:7:" in refused.stderr
    assert "greater than or equal to 1" in refused.stderr
    (tmp_path / "outside.yaml").write_text(wrong.replace("words: 0", "words: 1"))
    refused = shell("validate", "outside.yaml")
    assert "outside.yaml:6:" in refused.stderr
    assert "a list of words cannot be trained further" in refused.stderr
    assert "Did you mean 'words'?" in refused.stderr
