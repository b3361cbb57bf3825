import json
from pathlib import Path

from harness.training.loop.training_log import TrainingLog


def _write(log: TrainingLog, *steps: int) -> None:
    for step in steps:
        log.write(step=step, tokens=step * 10, loss=1.0, learning_rate=0.1, seconds=step, tokens_per_second=10.0)


def _steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "training.jsonl").read_text().splitlines()]


def test_a_killed_attempts_tail_is_cut_off(tmp_path: Path) -> None:
    _write(TrainingLog(tmp_path), 1, 2, 3, 4)
    log = TrainingLog(tmp_path, step=2)
    _write(log, 3)
    assert _steps(tmp_path) == [1, 2, 3]
    assert log.seconds_before == 2


def test_half_a_line_is_dropped(tmp_path: Path) -> None:
    _write(TrainingLog(tmp_path), 1)
    with (tmp_path / "training.jsonl").open("a") as handle:
        handle.write('{"step": 2, "sec')
    TrainingLog(tmp_path, step=9)
    assert _steps(tmp_path) == [1]


def test_a_new_training_starts_an_empty_log(tmp_path: Path) -> None:
    _write(TrainingLog(tmp_path), 1)
    TrainingLog(tmp_path)
    assert _steps(tmp_path) == []
