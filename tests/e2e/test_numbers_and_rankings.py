"""Regression, retrieval and reranking from the command line: a trained head, a sentence encoder, rules, gates."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from harness_support.tiny_world import ARCHITECTURE, Shell

WORDS = (
    *("red", "blue", "green", "fast", "slow", "big", "small", "old", "new", "warm", "cold", "film", "song", "phone"),
    *("meal", "book", "hotel", "story", "lamp", "dog"),
)
SUITE = f"""\
name: numbers
seed: 0
data:
  pairs:
    file: pairs.csv
    columns: {{text: a, pair: b, score: score}}
    splits: {{train: 0.5, validation: 0.1, test: 0.4}}
    slices: [source]
    held_out: true
  prose: {{file: prose.txt, splits: {{train: 0.8, validation: 0.1, test: 0.1}}}}
  searches: {{file: searches.jsonl, splits: {{train: 0.2, test: 0.8}}, held_out: true}}
models:
  base:
    pretrain:
      data: [prose]
      architecture: {ARCHITECTURE}
      tokenizer: {{vocabulary: 300}}
      sequence_length: 32
      budget: {{tokens: 4k}}
  finetuned: {{finetune: {{from: base, task: similarity, epochs: 1}}}}
  lora: {{finetune: {{from: base, task: similarity, epochs: 1, method: {{lora: {{rank: 2}}}}}}}}
  words: {{heuristic: {{task: similarity, rule: overlap}}}}
compare: {{baseline: base, candidates: [finetuned, lora, words], release: [words]}}
tasks:
  similarity: {{regression: {{data: pairs, pair: pair, bounds: [0, 6]}}}}
  search: {{retrieval: {{data: searches, negatives: negatives}}}}
  rerank: {{reranking: {{data: searches, negatives: negatives, metrics: ["ndcg_at_k[3]", map]}}}}
gates:
  - {{id: error, metric: similarity.mae, kind: superiority, baseline: mean-similarity, min_n: 50}}
  - {{id: ranks, metric: similarity.spearman, kind: absolute, min: 0.7, min_n: 50}}
  - {{id: slice, metric: similarity.pearson, kind: absolute, min: 0.6, min_n: 20, slice: source=even}}
  - {{id: found, metric: "search.ndcg_at_k[10]", kind: absolute, min: 0.5, model: tfidf-search, min_n: 20}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, dict]:
    folder = tmp_path_factory.mktemp("numbers")
    rng = random.Random(1)
    with (folder / "pairs.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["a", "b", "score", "source"])
        for number in range(200):
            first, kept = rng.sample(WORDS, 6), rng.randint(0, 6)
            second = rng.sample([*first[:kept], *rng.sample(WORDS, 6 - kept)], 6)
            shared = len(set(first) & set(second))
            rows.writerow([" ".join(first), " ".join(second), round(5 * shared / 6 + rng.random() / 2, 2),
                           "even" if number % 2 else "odd"])  # fmt: skip
    with (folder / "searches.jsonl").open("w") as out:
        for number in range(60):
            words = rng.sample(WORDS, 5)
            positive, negative = f"{' '.join(words)} {number}", f"{' '.join(rng.sample(WORDS, 5))} no {number}"
            row = {"query": " ".join(words[:3]), "positives": [positive], "negatives": [negative]}
            out.write(json.dumps(row) + "\n")
    (folder / "prose.txt").write_text("\n".join(" ".join(rng.sample(WORDS, 8)) for _ in range(200)))
    (folder / "numbers.yaml").write_text(SUITE)
    shell = Shell(folder, tmp_path_factory.mktemp("numbers-cache"))
    done = shell("run", "numbers.yaml", "--json")
    assert done.returncode in (0, 1), done.stderr
    return shell, json.loads(done.stdout)


def results(run: tuple[Shell, dict]) -> dict:
    shell, printed = run
    return json.loads((shell.folder / Path(printed["run_dir"]) / "results.json").read_text())


def test_every_kind_of_model_answers_by_its_protocol(run: tuple[Shell, dict]) -> None:
    rows = {(row["id"], row["model"]): row for row in results(run)["metrics"] if row["slice"] is None}
    assert rows["similarity.spearman", "base"]["protocol"] == "cosine_mean"
    assert rows["similarity.spearman", "finetuned"]["protocol"] == "head"
    assert rows["similarity.mae", "lora"]["protocol"] == "head"
    assert ("similarity.mae", "base") not in rows
    assert rows["similarity.mae", "mean-similarity"]["interval"]["value"] > 0.5
    assert rows["search.ndcg_at_k[10]", "tfidf-search"]["interval"]["value"] > 0.5
    assert rows["search.map", "base"]["status"] == "ok"
    assert rows["rerank.ndcg_at_k[3]", "finetuned"]["protocol"] == "head"


def test_gates_read_numbers_slices_and_rankings(run: tuple[Shell, dict]) -> None:
    verdicts = {gate["id"]: gate["verdict"] for gate in results(run)["gates"]}
    assert verdicts == {"error": "pass", "ranks": "pass", "slice": "pass", "found": "pass"}


def test_the_report_plan_and_explanation_speak_of_them(run: tuple[Shell, dict]) -> None:
    shell, printed = run
    page = (shell.folder / Path(printed["run_dir"]) / "report.html").read_text()
    assert "rank correlation" in page
    assert "nDCG" in page
    explained = shell("explain", "error", "--run", printed["run_dir"])
    assert explained.returncode == 0, explained.stderr
    planned = shell("plan", "numbers.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "search" in planned.stdout
