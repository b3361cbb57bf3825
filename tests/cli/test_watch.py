"""Watching a training: what comes, what is written anew, and what is removed meanwhile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.cli.app import invoke
from harness.commands import checkpoint_runs
from harness.commands.checkpoint_runs import CheckpointRun, new_checkpoints
from harness.core.errors import CheckpointError

SUITE = """\
name: steps
data: {texts: {file: texts.jsonl, splits: {test: 1.0}}}
models: {base: {load: base}, tuned: {load: base}}
compare: {baseline: base}
tasks: {texts: {language_modeling: {data: texts}}}
"""


def write_checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "trainer_state.json"):
        (path / name).write_text("{}")
    return path


def test_a_checkpoint_that_is_written_anew_is_new(tmp_path: Path) -> None:
    done: dict[int, int] = {}
    paths = [write_checkpoint(tmp_path, step) for step in (20, 5)]
    assert [step for step, _ in new_checkpoints(tmp_path, done)] == [5, 20]
    assert not list(new_checkpoints(tmp_path, done))
    os.utime(paths[0] / "trainer_state.json", ns=(1, 1))
    (tmp_path / "checkpoint-30").mkdir()  # not whole
    assert [step for step, _ in new_checkpoints(tmp_path, done)] == [20]


@pytest.mark.parametrize("removed", [True, False])
def test_a_checkpoint_that_is_removed_while_it_is_read_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], removed: bool
) -> None:
    """Trainers keep the newest ones only. What is whole and cannot be read is an error."""
    (tmp_path / "steps.yaml").write_text(SUITE)
    (tmp_path / "texts.jsonl").write_text('{"text": "a"}\n')
    for step in (1, 2):
        write_checkpoint(tmp_path / "out", step)

    def run(_: object, step: int, folder: Path) -> CheckpointRun:
        if step == 1:
            if removed:
                shutil.rmtree(folder)
            raise CheckpointError("there are no weights.")
        return CheckpointRun(step, folder, tmp_path, {"texts.bits_per_byte": 2.0}, ())

    monkeypatch.setattr(checkpoint_runs.CheckpointRunner, "run", run)
    given = ["watch", str(tmp_path / "out"), "--suite", str(tmp_path / "steps.yaml"), "--model", "tuned", "--once"]
    code = invoke(given)
    if not removed:
        assert code == 2
        return
    output = "".join(capsys.readouterr())
    assert code == 0, output
    assert "step 1: its checkpoint was removed while it was read; it is skipped" in output
    assert "step 2: texts.bits_per_byte 2" in output
    assert "2 checkpoints in" in output
