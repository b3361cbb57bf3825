"""SIGKILL in every command that writes; then the same command again: the same files as undisturbed, and no others."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from harness_support.tiny_world import write_world
from harness_support.zygote import Zygote

pytestmark = pytest.mark.slow

COMMANDS: dict[str, tuple[str, ...]] = {
    "report": ("report", "RUN"),
    "gate": ("gate", "RUN"),
    "selftest": ("selftest", "RUN", "--swaps", "100", "--no-ask"),
    "export": ("export", "RUN", "finetuned", "exported"),
    "index": ("index", "reports"),
    "lock": ("lock", "tiny.yaml"),
    "init": ("init", "notes.csv", "--yes", "--text", "body", "--label", "mood", "--out", "made.yaml", "--force"),
    "data audit": ("data", "audit", "notes.csv", "--text", "body", "--out", "audit.html"),
    "run": ("run", "tiny.yaml", "--only", "finetuned,linear,classical,notes,pairs", "-q", "--out", "again"),
    "cache verify": ("cache", "verify"),
    "cache prune": ("cache", "prune"),
}


@pytest.fixture(scope="module")
def world(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the suite, its cache and one run."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    arguments = ["run", "tiny.yaml", "--only", "finetuned,linear,classical,notes,pairs", "-q"]
    outcome = zygote.run(arguments, folder, env={"HARNESS_CACHE_DIR": "cache"}, seconds=300)
    assert outcome.fault() is None, outcome.err[-600:]
    return folder


def _files(folder: Path) -> list[str]:
    """Names of the files that a person sees, with the run's own stamp left out; locks may stay."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    parts = [("again", "tiny", "STAMP", *path.parts[3:]) if path.parts[0] == "again" else path.parts for path in paths]
    return sorted({"/".join(each) for each in parts if each[0] != "cache"})


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_is_given_again(name: str, world: Path, zygote: Zygote, tmp_path: Path, tries: int) -> None:
    environment = {"HARNESS_CACHE_DIR": "cache", "HARNESS_DATA_DIR": "."}
    (stamp,) = (path.parent.relative_to(world) for path in world.glob("reports/tiny/*/results.json"))
    arguments = [str(stamp) if argument == "RUN" else argument for argument in COMMANDS[name]]
    plain = shutil.copytree(world, tmp_path / "plain")
    whole = zygote.run(arguments, plain, env=environment, seconds=120)
    assert whole.fault() is None, whole.err[-600:]
    killed = shutil.copytree(world, tmp_path / "killed")
    rng = random.Random(name)
    for _ in range(max(2, tries // 20)):
        zygote.run(arguments, killed, env=environment, kill_after=rng.uniform(0.02, whole.seconds))
    again = zygote.run(arguments, killed, env=environment, seconds=120)
    if name == "export" and again.code == 2:  # it had been written whole before the kill
        assert "not empty" in again.err
    else:
        assert again.fault() is None, again.err[-600:]
        assert again.code == whole.code
    assert _files(killed) == _files(plain)
    for path in ("results.json", "seal.json"):
        assert (killed / stamp / path).read_bytes() == (plain / stamp / path).read_bytes()
