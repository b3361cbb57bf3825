"""A suite whose texts are read by other models: a local reference, and a judge behind a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness_support import model_zoo, plain_reference, toy_server
from harness_support.model_zoo import TEXTS
from harness_support.toy_server import ToyServer

from harness.core.errors import HarnessError
from harness.core.reporter import Silent
from harness.pipeline.run_suite import Settings, run_suite
from harness.storage.records_file import read_records
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

SUITE = """
name: judged
data: {{texts: {{file: texts.csv, splits: {{test: 1.0}}}}}}
models:
  base:  {{load: base}}
  other: {{load: other}}
  judge: {{server: {{url: "{url}", model: toy, max_attempts: 1}}}}
compare: {{baseline: base, candidates: [other]}}
tasks:
  stories:
    text_generation:
      data: texts
      prompt_words: 3
      reference_words: 4
      max_tokens: 4
      reference_model: {reader}
      judge: {{model: judge}}
      metrics: [reference_bits_per_byte, judge_win_rate, judge_position_bias, judge_unreadable_rate]
gates: []
"""


@pytest.fixture
def toy() -> Iterator[ToyServer]:
    with toy_server.running() as server:
        yield server


@pytest.fixture
def suite(tmp_path: Path, toy: ToyServer) -> Path:
    for seed, name in enumerate(("base", "other")):
        model_zoo.language_model("gpt2", tmp_path / name, seed=seed, length=256)
    rows = ["text", *(text.replace(",", "") for text in TEXTS)]
    (tmp_path / "texts.csv").write_text("\n".join(rows), "utf-8")
    (tmp_path / "suite.yaml").write_text(SUITE.format(url=toy.url, reader="base"))
    return tmp_path / "suite.yaml"


def run(suite: Path, name: str = "out"):
    settings = Settings(out=suite.parent / name, device="cpu")
    store = Store(suite.parent / "cache")
    return run_suite(load_suite(suite), store, Silent(), settings)


def test_texts_are_read_by_a_reference_and_a_judge(suite: Path, toy: ToyServer) -> None:
    toy.chat = False
    finished = run(suite)
    found = {
        (one.metric, one.model): one.interval.value
        for one in finished.results.metrics
        if one.slice is None and one.evaluation == "stories"
    }
    # The toy model goes on with " next", which names no letter.
    for model in ("base", "other"):
        assert found["judge_unreadable_rate", model] == 1.0
        assert found["judge_win_rate", model] is None
        assert found["reference_bits_per_byte", model] > 0
    (evaluation,) = finished.results.evaluations
    assert any("Which one goes on better" in caveat for caveat in evaluation.caveats)
    records = read_records(finished.run.records_path("stories", "other"))
    reference = plain_reference.Causal(suite.parent / "base", 256)
    items = {text.replace(",", "").split()[0]: " ".join(text.replace(",", "").split()[:3]) for text in TEXTS}
    nll = dict(zip(records.texts("prediction"), records.stat("nll_reader"), strict=True))
    assert "judge" not in evaluation.protocols, "a judge is not asked itself"
    prompts = {call["prompt"] for call in toy.asked if "Continuation A" in str(call.get("prompt"))}
    assert len(prompts) == 2 * 2 * len(TEXTS)
    assert items
    for text, value in nll.items():
        if text:
            expected = [-reference.continuation(prompt, f" {text}") for prompt in items.values()]
            assert any(abs(value - one) < 1e-3 for one in expected)
    assert json.loads(records.texts("response")[0])["judge"] == [toy_server.NEXT, toy_server.NEXT]


def test_a_judge_that_sees_a_share_is_asked_about_no_other_text(suite: Path, toy: ToyServer) -> None:
    toy.chat = False
    suite.write_text(suite.read_text().replace("judge: {model: judge}", "judge: {model: judge, share: 0.5}"))
    finished = run(suite)
    seen = [read_records(finished.run.records_path("stories", model)).stat("costly") for model in ("base", "other")]
    assert seen[0].tolist() == seen[1].tolist()
    assert set(seen[0].tolist()) == {0.0, 1.0}
    assert sum("Continuation A" in json.dumps(call) for call in toy.asked) == 2 * 2 * seen[0].sum()
    rows = [row for row in finished.results.metrics if row.metric == "judge_unreadable_rate" and row.slice is None]
    assert [row.n for row in rows] == [seen[0].sum()] * 2


def test_a_second_run_asks_nobody_and_another_reader_reads_again(suite: Path, toy: ToyServer) -> None:
    first = run(suite)
    asked = sum("Continuation A" in json.dumps(call) for call in toy.asked)
    assert asked
    again = run(suite, "again")
    assert sum("Continuation A" in json.dumps(call) for call in toy.asked) == asked
    assert again.results.metrics == first.results.metrics
    suite.write_text(SUITE.format(url=toy.url, reader="other"))
    other = run(suite, "other")
    values = [
        next(
            m.interval.value for m in one.results.metrics if (m.metric, m.model) == ("reference_bits_per_byte", "base")
        )
        for one in (first, other)
    ]
    assert values[0] != values[1]


def test_a_reader_that_the_suite_lacks_is_named(suite: Path, toy: ToyServer) -> None:
    suite.write_text(SUITE.format(url=toy.url, reader="bas"))
    with pytest.raises(HarnessError, match="Did you mean 'base'"):
        run(suite)
