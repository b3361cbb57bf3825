"""`harness lock`, `run --locked`: what differs is named before anything is computed, attempts are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness_support.tiny_world import Shell

from harness.core.errors import LockError
from harness.pipeline.suite_lock import read_lock

MORE = "  - {id: more, metric: notes.accuracy, kind: superiority}"

Finished = tuple[Shell, dict[str, Any]]


def runs(shell: Shell) -> set[str]:
    return {path.name for path in shell.folder.glob("reports/*/*")}


def attempts(lock: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(lock.read_text("utf-8"))["attempts"]
    return found


def test_without_a_lock_file_a_locked_run_is_refused(finished: Finished, tmp_path: Path) -> None:
    shell, _ = finished
    before = runs(shell)
    done = shell("run", "tiny.yaml", "--locked", "--lock", tmp_path / "none.lock")
    assert done.returncode == 13
    assert "harness lock SUITE" in done.stderr
    assert runs(shell) == before


def test_a_run_wholly_from_the_cache_is_no_attempt_and_another_seed_is_one(finished: Finished, tmp_path: Path) -> None:
    shell, _ = finished
    lock = tmp_path / "tiny.lock"
    assert shell("lock", "tiny.yaml", "--lock", lock).returncode == 0
    first = shell.run("tiny.yaml", "--locked", "--lock", lock)
    assert first["verdict"] == "pass"
    assert first["info"]["lock"] == {
        "file": "tiny.lock",
        "locked": True,
        "attempts": 0,
        "counted": False,
        "seeds": [],
    }
    assert attempts(lock) == []
    # another part of the suite, other answers (no other test has this seed), and not held to the lock: counted, too
    other = shell.run("tiny.yaml", "--lock", lock, "--only", "classical,notes", "--seed", "40417")
    assert other["info"]["lock"]["counted"]
    assert other["info"]["lock"]["seeds"] == [40417]
    assert "Attempt 1 under tiny.lock" in (other["folder"] / "summary.md").read_text("utf-8")
    again = shell.run("tiny.yaml", "--lock", lock, "--only", "classical,notes", "--seed", "40417")
    assert not again["info"]["lock"]["counted"]
    assert len(attempts(lock)) == 1
    kept = shell("lock", "tiny.yaml", "--lock", lock)
    assert "attempts so far: 1" in kept.stdout
    assert len(attempts(lock)) == 1


def test_what_differs_is_named_and_nothing_computed(finished: Finished, tmp_path: Path) -> None:
    shell, _ = finished
    lock = tmp_path / "tiny.lock"
    assert shell("lock", "tiny.yaml", "--lock", lock, "-q").returncode == 0
    before = runs(shell)
    suite = shell.folder / "changed.yaml"
    text = (shell.folder / "tiny.yaml").read_text("utf-8").replace("min: 0.2", "min: 0.1")
    text = text.replace("title: A tiny world", "title: Another").replace("gates:", f"gates:\n{MORE}")
    suite.write_text(text, "utf-8")
    options = ("--seed", "9", "--limit", "5", "--only", "classical", "--model", "base=elsewhere")
    done = shell("run", "changed.yaml", "--locked", "--lock", lock, *options)
    assert done.returncode == 13, done.stderr
    for named in (
        "7 differences from the lock file",
        "gate floor: locked",
        "section title: locked",
        "gate more: new",
        "--seed 9",
        "--limit 5",
        "--only classical",
        "--model base",
        "nothing was computed",
    ):
        assert named in done.stderr, done.stderr
    assert done.stdout == ""
    assert runs(shell) == before


@pytest.mark.parametrize("key", ["suite_digest", "gates_digest", "title"])
def test_a_digest_changed_by_hand_in_the_lock_is_a_mismatch(finished: Finished, tmp_path: Path, key: str) -> None:
    shell, _ = finished
    lock = tmp_path / "tiny.lock"
    assert shell("lock", "tiny.yaml", "--lock", lock, "-q").returncode == 0
    value = json.loads(lock.read_text("utf-8"))
    part = value["sections"] if key == "title" else value
    part[key] = "0" * 64
    lock.write_text(json.dumps(value), "utf-8")
    done = shell("run", "tiny.yaml", "--locked", "--lock", lock)
    assert done.returncode == 13, done.stderr
    assert "1 difference" in done.stderr
    assert "suite file" in done.stderr


def test_changed_data_is_named_with_the_baseline_that_stands_on_it(finished: Finished, tmp_path: Path) -> None:
    shell, _ = finished
    lock = tmp_path / "tiny.lock"
    assert shell("lock", "tiny.yaml", "--lock", lock, "-q").returncode == 0
    notes = shell.folder / "notes.csv"
    content = notes.read_bytes()
    try:
        notes.write_bytes(content.replace(b"Note 7.", b"Note 7 and more.", 1))
        done = shell("run", "tiny.yaml", "--locked", "--lock", lock)
    finally:
        notes.write_bytes(content)
    assert done.returncode == 13, done.stderr
    assert "data notes: locked" in done.stderr
    assert "baseline base: locked" in done.stderr
    assert "data prose" not in done.stderr


@pytest.mark.parametrize(
    "content", ["", "{}", '{"format": 9, "suite": "t", "suite_digest": "", "gates_digest": ""}', '{"more": 1}']
)
def test_a_damaged_lock_file_is_a_mismatch(tmp_path: Path, content: str) -> None:
    lock = tmp_path / "tiny.lock"
    lock.write_text(content)
    with pytest.raises(LockError) as raised:
        read_lock(lock)
    assert raised.value.exit_code == 13
