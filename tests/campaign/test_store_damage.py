"""Bits flipped in store and run, disks and limits that are full, runs at once: the same results, or a sentence."""

from __future__ import annotations

import os
import random
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import write_world
from harness_support.zygote import Zygote

pytestmark = pytest.mark.slow

ONLY = ("--only", "finetuned,linear,classical,notes,pairs")
"""A part of the tiny suite that has every kind of file and takes little time."""


@pytest.fixture(scope="module")
def undisturbed(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes]:
    """The suite's folder, a cache that knows everything, and results.json."""
    folder, cache = tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("store")
    write_world(folder)
    outcome = zygote.run(["run", "tiny.yaml", *ONLY, "-q"], folder, env={"HARNESS_CACHE_DIR": str(cache)}, seconds=300)
    assert outcome.fault() is None, outcome
    return folder, cache, results(folder / "reports")


def results(reports: Path) -> bytes:
    (found,) = reports.glob("tiny/*/results.json")
    return found.read_bytes()


def flip(file: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    # A copy shares its content with the original until it is written to.
    file.unlink()
    file.write_bytes(content)


def files_by_kind(folder: Path, rng: random.Random, tries: int) -> list[Path]:
    """Files below a folder, every kind (suffix and folder's kind) as often as the others."""
    kinds: dict[tuple[str, ...], list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            parts = path.relative_to(folder).parts
            kinds.setdefault(
                (parts[0] if len(parts) > 1 else "", path.name if len(parts) < 3 else path.suffix), []
            ).append(path)
    names = sorted(kinds)
    return [rng.choice(kinds[names[number % len(names)]]).relative_to(folder) for number in range(tries)]


def test_a_flipped_bit_in_the_store_changes_no_figure(
    undisturbed: tuple[Path, Path, bytes], zygote: Zygote, tmp_path: Path, tries: int
) -> None:
    folder, cache, wanted = undisturbed
    rng = random.Random(7)
    faults = {}
    for number, name in enumerate(files_by_kind(cache, rng, tries)):
        copy = tmp_path / str(number)
        shutil.copytree(cache, copy, copy_function=os.link)
        # Whether a record or a response is damaged shows only where what was made of them is not known.
        for made in ("scores", "records")[: number % 3]:
            shutil.rmtree(copy / made, ignore_errors=True)
        if not (copy / name).exists():
            continue
        flip(copy / name, rng)
        out = tmp_path / f"out{number}"
        environment = {"HARNESS_CACHE_DIR": str(copy)}
        outcome = zygote.run(["run", "tiny.yaml", *ONLY, "-q", "--out", out], folder, env=environment, seconds=200)
        if outcome.fault() is not None:
            faults[str(name)] = f"{outcome.fault()}: {outcome.err[-300:]}"
        elif outcome.code != 2 and results(out) != wanted:
            faults[str(name)] = "other results"
        shutil.rmtree(copy)
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())


@pytest.mark.parametrize(
    "limits",
    [{"file": 200_000}, {"file": 20_000}, {"file": 4_000}, {"files": 24}, {"files": 40}],
    ids=lambda limits: "-".join(f"{name}{most}" for name, most in limits.items()),
)
def test_a_limit_of_the_system_is_a_sentence_and_the_next_run_goes_on(
    undisturbed: tuple[Path, Path, bytes], zygote: Zygote, tmp_path: Path, limits: dict[str, int]
) -> None:
    folder, _, wanted = undisturbed
    environment = {"HARNESS_CACHE_DIR": str(tmp_path / "cache")}
    arguments = ["run", "tiny.yaml", *ONLY, "-q", "--out", tmp_path / "out"]
    limited = zygote.run(arguments, folder, env=environment, limits=limits, seconds=200)
    assert limited.fault() is None, (limited.fault(), limited.err[-600:])
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    again = zygote.run(arguments, folder, env=environment, seconds=300)
    assert again.fault() is None, again.err[-600:]
    assert results(tmp_path / "out") == wanted


def test_runs_at_once_end_alike(undisturbed: tuple[Path, Path, bytes], tmp_path: Path) -> None:
    folder, _, wanted = undisturbed
    outcomes: dict[int, Any] = {}

    def run(number: int) -> None:
        own = Zygote()
        arguments = ["run", "tiny.yaml", *ONLY, "-q", "--out", tmp_path / f"out{number}"]
        outcomes[number] = own.run(arguments, folder, env={"HARNESS_CACHE_DIR": str(tmp_path / "cache")}, seconds=400)
        own.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, outcome in outcomes.items():
        assert outcome.fault() is None, outcome.err[-600:]
        assert results(tmp_path / f"out{number}") == wanted


def test_a_flipped_bit_in_a_run_is_noticed(
    undisturbed: tuple[Path, Path, bytes], zygote: Zygote, tmp_path: Path, tries: int
) -> None:
    folder, _, _ = undisturbed
    (run,) = (path.parent for path in (folder / "reports").glob("tiny/*/results.json"))
    sealed = [path for path in ("results.json", "run.json", "seal.json") if (run / path).exists()]
    records = [str(path.relative_to(run)) for path in sorted((run / "records").rglob("*.parquet"))]
    rng = random.Random(9)
    quiet = {}
    whole = zygote.run(["gate", run, "-q"], folder)
    for number in range(tries):
        copy = tmp_path / str(number)
        shutil.copytree(run, copy)
        name = rng.choice([*sealed, *records])
        flip(copy / name, rng)
        outcome = zygote.run(["gate", copy, "-q"], folder)
        # A bit that changes nothing that is read (white space of JSON) may pass with the same words.
        if outcome.fault() is not None or (
            outcome.code != 2 and outcome.out.replace(str(copy), "") != whole.out.replace(str(run), "")
        ):
            quiet[f"{number} {name}"] = f"{outcome.code} {outcome.fault()}: {outcome.err[-200:]}"
        shutil.rmtree(copy)
    assert not quiet, "\n".join(f"{name}: {fault}" for name, fault in quiet.items())
