"""A cache or a report on a file system without room, in bytes or in files: a sentence, and the next run goes on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_support.tiny_world import write_world
from harness_support.zygote import Zygote

pytestmark = pytest.mark.slow

ONLY = ("--only", "linear,classical,notes")
Mount = Callable[[str], Path]


def _mount(*arguments: str | Path) -> str | None:
    """What the system says against it; None where it is done."""
    if shutil.which("mount") is None:
        return "there is no mount"
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system with the given bounds (mount's options), or changes the bounds of the one that is there."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(bounds: str) -> Path:
        mounted = folder.is_mount()
        refusal = _mount(*(("-o", f"remount,{bounds}") if mounted else ("-t", "tmpfs", "-o", bounds, "tmpfs")), folder)
        if refusal is not None:
            pytest.skip(f"small file systems cannot be made here: {refusal}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def undisturbed(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The suite's folder, and results.json of a run with room."""
    world = tmp_path_factory.mktemp("world")
    write_world(world)
    environment = {"HARNESS_CACHE_DIR": str(tmp_path_factory.mktemp("store"))}
    outcome = zygote.run(["run", "tiny.yaml", *ONLY, "-q"], world, env=environment, seconds=120)
    assert outcome.fault() is None, outcome.err[-600:]
    return world, max(world.glob("reports/tiny/*/results.json")).read_bytes()


@pytest.mark.parametrize(
    ("place", "bounds"),
    [
        ("cache", "size=16k"),
        ("cache", "size=400k"),
        ("cache", "size=50m,nr_inodes=30"),
        ("reports", "size=16k"),
        ("reports", "size=200k"),
        ("reports", "size=50m,nr_inodes=6"),
    ],
)
def test_a_full_file_system(
    place: str, bounds: str, small: Mount, undisturbed: tuple[Path, bytes], zygote: Zygote, tmp_path: Path
) -> None:
    world, wanted = undisturbed
    folders = {"cache": tmp_path / "cache", "reports": tmp_path / "out", place: small(bounds)}
    arguments = ["run", "tiny.yaml", *ONLY, "-q", "--out", folders["reports"]]
    environment = {"HARNESS_CACHE_DIR": str(folders["cache"])}
    full = zygote.run(arguments, world, env=environment, seconds=120)
    assert full.fault() is None, (full.fault(), full.err[-600:])
    assert full.code == 12
    assert "no space left" in full.err
    small("size=200m,nr_inodes=100000")
    again = zygote.run(arguments, world, env=environment, seconds=120)
    assert again.fault() is None, again.err[-600:]
    assert max(folders["reports"].glob("tiny/*/results.json")).read_bytes() == wanted
