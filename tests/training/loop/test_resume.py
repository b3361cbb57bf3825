"""A training that was killed goes on, and ends with the same weights to the bit."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from harness_support import training_samples
from harness_support.training_samples import finetune_spec, label_inputs, run_stage, stage

from harness.core.digests import file_digest
from harness.core.reporter import Silent
from harness.training.loop import resume

_SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness_support.training_samples import run_stage, stage
from harness.core.reporter import Silent
from harness.training.loop import training_loop as loop
import torch

kind, base, work = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
torch.set_num_threads(int(sys.argv[5]))
taken = loop.PlannedTrainer.compute_loss
def slowly(self, *arguments, **named):
    time.sleep(0.05)
    return taken(self, *arguments, **named)
loop.PlannedTrainer.compute_loss = slowly
spec, inputs = stage(kind, base)
run_stage(spec, inputs, work, Silent(), save_every=4)
"""


def _weights(folder: Path) -> dict[str, str]:
    return {path.name: file_digest(path) for path in folder.glob("*.safetensors")}


def _killed_in_training(kind: str, base: Path, work: Path) -> None:
    """Starts a training in a process of its own and kills it after its second checkpoint."""
    # Sums are rounded as threads divide them: the same bits need the same number of threads.
    threads = str(torch.get_num_threads())
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _SCRIPT,
            str(Path(training_samples.__file__).parents[1]),
            kind,
            str(base),
            str(work),
            threads,
        ],
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while not (work / ".resume" / "checkpoint-8" / "complete.json").exists():
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (work / "checkpoint.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["mlm", "full", "lora", "gpt", "mlm_nsp", "span_corruption", "tags", "spans", "prompts", "texts", "align"]
)
def test_a_killed_training_ends_with_the_same_weights(kind: str, base: Path, writer: Path, tmp_path: Path) -> None:
    parent = writer if kind in {"prompts", "texts", "align"} else base
    _killed_in_training(kind, parent, tmp_path / "killed")
    spec, inputs = stage(kind, parent)
    reporter = Silent()
    went_on = run_stage(spec, inputs, tmp_path / "killed", reporter, save_every=4)
    whole = run_stage(spec, inputs, tmp_path / "whole", Silent())

    assert _weights(tmp_path / "killed") == _weights(tmp_path / "whole")
    assert {**went_on, "measured": 0} == {**whole, "measured": 0}
    steps = [json.loads(line)["step"] for line in (tmp_path / "killed" / "training.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] == whole["cost"]["steps"]


def test_going_on_from_a_checkpoint_gives_the_same_weights(base: Path, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    run_stage(finetune_spec(), label_inputs(base), whole, Silent(), save_every=5)
    run_stage(finetune_spec(), label_inputs(base), half, Silent(), save_every=5)
    kept = sorted((half / ".resume").glob("checkpoint-*"), key=resume.step_of)
    for later in kept[1:]:
        (later / "complete.json").unlink()
    (half / "model.safetensors").unlink()
    reporter = Silent()
    run_stage(finetune_spec(), label_inputs(base), half, reporter, save_every=5)
    assert _weights(half) == _weights(whole)
    assert any("it is incomplete" in warning for warning in reporter.warnings)


def test_another_number_of_threads_is_told(base: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    run_stage(finetune_spec(), label_inputs(base), tmp_path, Silent(), save_every=5)
    (tmp_path / "model.safetensors").unlink()
    reporter = Silent()
    torch.set_num_threads(threads + 1)
    try:
        run_stage(finetune_spec(), label_inputs(base), tmp_path, reporter, save_every=5)
    finally:
        torch.set_num_threads(threads)
    assert any(f"with {threads + 1} threads instead of {threads}" in warning for warning in reporter.warnings)


def _sealed(folder: Path, step: int, plan: str = "plan") -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    resume.seal(checkpoint, plan, threads=1)
    return checkpoint


def test_the_newest_whole_checkpoint_is_taken(tmp_path: Path) -> None:
    _sealed(tmp_path, 9)
    newest = _sealed(tmp_path, 10)
    assert resume.latest(tmp_path, "plan", Silent()) == newest


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "complete.json").unlink(), "it is incomplete"),
        (lambda folder: (folder / "complete.json").write_text("{"), "marker is unreadable"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"weightz"), "files have changed"),
        (lambda folder: (folder / "model.safetensors").unlink(), "files have changed"),
    ],
)
def test_damaged_checkpoints_are_dropped_with_a_warning(damage, said: str, tmp_path: Path) -> None:
    older = _sealed(tmp_path, 3)
    newer = _sealed(tmp_path, 6)
    damage(newer)
    reporter = Silent()
    assert resume.latest(tmp_path, "plan", reporter) == older
    assert not newer.exists()
    assert said in reporter.warnings[0]


def test_a_checkpoint_of_another_plan_is_not_gone_on_from(tmp_path: Path) -> None:
    _sealed(tmp_path, 3, plan="another")
    reporter = Silent()
    assert resume.latest(tmp_path, "plan", reporter) is None
    assert "a different training" in reporter.warnings[0]


def test_without_a_folder_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert resume.latest(tmp_path / "none", "plan", Silent()) is None
