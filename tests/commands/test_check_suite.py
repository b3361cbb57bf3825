"""`harness validate` opens what the suite names, and shows every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.cli.app import invoke

SUITE = """\
name: faults
data:
  good: {file: good.csv, splits: {test: 1.0}}
  lost: {file: lost.csv, splits: {test: 1.0}}
  odd: {file: odd.csv, splits: {test: 1.0}}
models:
  base: {load: base}
  gone: {load: ./gone}
  tuned: {load: tuned}
  long: {finetune: {from: base, task: good, max_length: 4000}}
compare: {baseline: base, candidates: [gone, tuned, long], release: [tuned]}
tasks:
  good: {classification: {data: good, labels: [bad, good]}}
  lost: {classification: {data: lost}}
  odd: {classification: {data: odd, labels: [bad, good]}}
  speech: {language_modeling: {data: good, text: speech}}
gates:
  - {id: floor, metric: good.accuracy, kind: absolute, min: 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "good.csv").write_text("text,label\nyes,good\nno,bad\n", "utf-8")
    (tmp_path / "odd.csv").write_text("text,label\nyes,good\nno,bda\n", "utf-8")
    model_zoo.language_model("bert", tmp_path / "base")
    model_zoo.classifier("bert", tmp_path / "tuned", ("LABEL_0", "LABEL_1"))
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    return tmp_path


def test_all_faults_are_shown_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", "suite.yaml"]) == 2
    told = capsys.readouterr().err
    for part in (
        "6 faults",
        "lost.csv: expected a file",
        "suite.yaml:8:3: the checkpoint folder does not exist",
        "unknown label 'bda'",
        "'speech'",
        "a gate judges tuned on good, which that model cannot answer: its head has the labels LABEL_0, LABEL_1",
        "expected at most 32, the positions that the network has, found max_length: 4000",
    ):
        assert part in told, told


RIGHT = """\
name: right
data: {good: {file: good.csv, splits: {test: 1.0}}}
models: {base: {load: base}, tuned: {load: tuned}}
compare: {baseline: base, release: [tuned]}
tasks:
  good: {classification: {data: good, labels: [bad, good], head_labels: {LABEL_0: bad, LABEL_1: good}}}
  far: {classification: {data: {catalog: vader-reviews}}}
gates:
  - {id: floor, metric: good.accuracy, kind: absolute, min: 0.5}
"""


def test_what_is_right_passes_and_what_is_not_here_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("suite.yaml").write_text(RIGHT, "utf-8")
    assert invoke(["validate", "suite.yaml"]) == 0, capsys.readouterr().err
    assert "not checked: data vader-reviews (not fetched yet)" in capsys.readouterr().out


def test_a_fault_in_the_file_hides_none_of_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "suite.yaml").write_text(SUITE.replace("kind: absolute", "kind: absolut"), "utf-8")
    assert invoke(["validate", "suite.yaml"]) == 2
    told = capsys.readouterr().err
    for part in ("unknown kind of gate 'absolut'", "lost.csv: expected a file", "the checkpoint folder does not exist"):
        assert part in told, told


CLOZE = """\
name: words
data: {good: {file: good.csv, splits: {test: 1.0}}}
models: {base: {load: base}, other: {load: other}}
compare: {baseline: base}
tasks:
  good:
    classification:
      data: good
      labels: [bad, good]
      cloze: {template: "{text} it was {mask} .", words: {bad: [WORDS], good: [good]}}
"""


@pytest.mark.parametrize(("words", "faulty"), [("unputdownable", True), ("unputdownable, the", False)])
def test_words_that_no_token_spells_are_a_fault(
    words: str, faulty: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model_zoo.language_model("bert", folder / "other", seed=1)
    (folder / "suite.yaml").write_text(CLOZE.replace("WORDS", words).replace("[good]", "[a]"), "utf-8")
    assert invoke(["validate", "suite.yaml"]) == (2 if faulty else 0)
    assert ("no word of 'bad' is a single token of base" in capsys.readouterr().err) == faulty


def test_a_checkpoint_of_the_catalog_is_known_or_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.csv").write_text("text,label\nfine,good\ndull,bad\n", "utf-8")
    plain = CLOZE.replace("load: base", "load: 'catalog:minilm-l6'").replace(", other: {load: other}", "")
    plain = plain.replace("WORDS", "a")
    (folder / "suite.yaml").write_text(plain, "utf-8")
    assert invoke(["validate", "suite.yaml"]) == 0
    assert "only named and not checked: model base (catalog:minilm-l6)" in capsys.readouterr().out
    (folder / "suite.yaml").write_text(plain.replace("minilm-l6", "minilm-16"), "utf-8")
    assert invoke(["validate", "suite.yaml"]) == 2
    assert "unknown checkpoint of the catalog 'minilm-16'. Did you mean 'minilm-l6'?" in capsys.readouterr().err
