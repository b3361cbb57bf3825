"""Suites, locks, logs and data with odd values anywhere: exit 0 or a sentence, at once."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import write_world
from harness_support.zygote import Zygote
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

ODD: list[Any] = [
    None, True, -1, 0, 10**30, 1.5, float("nan"), float("inf"), "", " ", "\x1b[31mred", "\ud800", "a" * 100_000,
    "{text", "../..", "/dev/zero", "1e999", "2026-01-01", [], {}, [[]], {"": ""}, ["a", 1, None], "nul\x00",
    "\u202ereversed", "💥" * 50,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(document: Any, rng: random.Random) -> tuple[Any, str]:
    """A copy with one place removed, renamed or replaced, and what was done."""
    value = copy.deepcopy(document)
    path = rng.choice(list(places(value)))
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    odd = rng.choice(ODD)
    what = rng.choice(["remove", "replace", "replace", "rename"])
    if what == "remove":
        del inner[path[-1]]
    elif what == "rename" and isinstance(inner, dict):
        inner[str(odd)] = inner.pop(path[-1])
    else:
        inner[path[-1]] = odd
    return value, f"{what} {'.'.join(map(str, path))[-80:]} {ascii(odd)[:40]}"


def plain(value: Any) -> Any:
    """The document as JSON has it; YAML reads JSON."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_suite_with_an_odd_value(zygote: Zygote, tmp_path: Path, tries: int, command: str) -> None:
    suite = plain(YAML(typ="safe").load(write_world(tmp_path).read_text("utf-8")))
    rng = random.Random(21)
    faults = {}
    for _ in range(2 * tries):
        document, what = changed(suite, rng)
        (tmp_path / "odd.yaml").write_text(json.dumps(document), "utf-8")
        outcome = zygote.run([command, "odd.yaml"], tmp_path, env={"HARNESS_CACHE_DIR": str(tmp_path / "cache")})
        if outcome.fault() is not None:
            faults[what] = f"{outcome.fault()}: {outcome.err[-300:]}"
    assert not faults, "\n".join(f"{what}: {fault}" for what, fault in faults.items())


def test_a_lock_with_an_odd_value(zygote: Zygote, tmp_path: Path, tries: int) -> None:
    write_world(tmp_path)
    environment = {"HARNESS_CACHE_DIR": str(tmp_path / "cache")}
    only = ["--only", "classical,notes"]
    made = zygote.run(["lock", "tiny.yaml"], tmp_path, env=environment, seconds=200)
    assert made.code == 0, made.err
    (lock,) = tmp_path.glob("tiny.lock*")
    page = plain(YAML(typ="safe").load(lock.read_text("utf-8")))
    rng = random.Random(22)
    faults = {}
    for _ in range(tries // 2):
        document, what = changed(page, rng)
        lock.write_text(json.dumps(document), "utf-8")
        outcome = zygote.run(["run", "tiny.yaml", *only, "--locked", "-q"], tmp_path, env=environment, seconds=200)
        if outcome.fault() is not None:
            faults[what] = f"{outcome.fault()}: {outcome.err[-300:]}"
    assert not faults, "\n".join(f"{what}: {fault}" for what, fault in faults.items())


def test_data_with_an_odd_value(zygote: Zygote, tmp_path: Path, tries: int) -> None:
    rows = [{"text": f"a film {number}", "label": f"l{number % 2}", "meta": {"a": [1, number]}} for number in range(40)]
    rng = random.Random(23)
    faults = {}
    for _ in range(tries):
        document, what = changed(rows, rng)
        lines = document if isinstance(document, list) else [document]
        (tmp_path / "odd.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
        outcome = zygote.run(
            ["data", "audit", "odd.jsonl"], tmp_path, env={"HARNESS_CACHE_DIR": str(tmp_path / "cache")}
        )
        if outcome.fault() is not None:
            faults[what] = f"{outcome.fault()}: {outcome.err[-300:]}"
    assert not faults, "\n".join(f"{what}: {fault}" for what, fault in faults.items())


def test_a_log_with_an_odd_value(zygote: Zygote, tmp_path: Path, tries: int) -> None:
    docs = [
        {
            "doc_id": number, "doc": {"question": f"q {number}", "choices": ["a", "b"], "answer": number % 2},
            "target": str(number % 2), "arguments": [["q a", " a"], ["q b", " b"]],
            "resps": [[[-1.0, False]], [[-2.0, False]]], "filtered_resps": [[-1.0, False], [-2.0, False]],
            "filter": "none", "metrics": ["acc"], "acc": float(number % 2 == 0), "doc_hash": "1", "prompt_hash": "2",
            "target_hash": "3",
        }
        for number in range(12)
    ]  # fmt: skip
    page = {"results": {"t": {"alias": "t", "acc,none": 0.5}},
            "configs": {"t": {"task": "t", "output_type": "multiple_choice"}},
            "n-samples": {"t": {"original": 12, "effective": 12}},
            "config": {"model": "hf", "model_args": "pretrained=m"},
            "model_name": "m", "versions": {"t": 1}}  # fmt: skip
    rng = random.Random(24)
    faults = {}
    for number in range(tries):
        samples, what = changed(docs, rng) if number % 2 else (docs, "")
        results, done = changed(page, rng) if number and not number % 2 else (page, "")
        for model in ("a", "b"):
            folder = tmp_path / model
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            stamp = "2026-01-01T00-00-00.000000"
            first = model == "a"
            (folder / f"results_{stamp}.json").write_text(json.dumps(results if first else page), "utf-8")
            lines = "\n".join(map(json.dumps, samples if first else docs)) + "\n"
            (folder / f"samples_t_{stamp}.jsonl").write_text(lines, "utf-8")
        arguments = ["import", "lm-eval", "base=a", "tuned=b", "--out", f"out{number}"]
        outcome = zygote.run(arguments, tmp_path, env={"HARNESS_CACHE_DIR": str(tmp_path / "cache")})
        if outcome.fault() is not None or (number == 0 and outcome.code == 2):
            faults[what or done] = f"{outcome.fault()}: {outcome.err[-300:]}"
    assert not faults, "\n".join(f"{what}: {fault}" for what, fault in faults.items())
