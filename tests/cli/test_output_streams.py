"""What stands behind the output never changes the exit code of the work, nor ends in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "harness"]
LISTED = [*RUN, "list"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONIOENCODING": "utf-8", **more}


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_characters_that_a_terminal_lacks_are_replaced(encoding: str, tmp_path: Path) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text("name: s\ntitle: 日本 ✓\nmodls: {}\n", "utf-8")
    done = subprocess.run(
        [*RUN, "validate", str(suite)], capture_output=True, env=environment(PYTHONIOENCODING=encoding), check=False
    )
    assert done.returncode == 2
    assert b"modls" in done.stdout + done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("arguments", "code"), [(["list"], 0), (["validate", "none.yaml"], 2)])
def test_a_reader_that_leaves_changes_no_code(arguments: list[str], code: int, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*RUN, *arguments], stdout=write, stderr=write, env=environment(PYTHONUNBUFFERED=unbuffered), check=False
    )
    os.close(write)
    assert done.returncode == code


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_a_closed_stream_changes_no_code(closed: str) -> None:
    # Only a shell can start a program with a closed stream; the command is fixed and our own.
    done = subprocess.run(f"{sys.executable} -m harness list {closed}", shell=True, env=environment(), check=False)
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_device_is_told_and_is_code_12() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(LISTED, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
    assert done.returncode == 12
    assert done.stderr.decode() == (
        "error: the output cannot be written: No space left on device.\nnext: free some space, or write it elsewhere.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "{long}"],
        ["run", "{long}"],
        ["plan", "{long}.yaml"],
        ["migrate", "{long}"],
        ["init", "rows.csv", "--out", "{long}"],
        ["init", "{long}.csv"],
        ["data", "audit", "{long}.csv"],
        ["data", "audit", "rows.csv", "--lexicon", "{long}.csv"],
        ["gate", "{long}"],
        ["report", "{long}"],
        ["import", "lm-eval", "a={long}"],
        ["audit", "{long}", "{long}"],
        ["validate", "suite.yaml"],
        ["plan", "suite.yaml"],
    ],
)
def test_long_names_are_usage_errors(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cli.app import invoke

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    long = "n" * 300
    Path("rows.csv").write_text("text,label\na,b\nc,d\n")
    Path("suite.yaml").write_text(
        f"name: s\ndata: {{d: {{file: {long}.csv}}}}\n"
        "models: {a: {heuristic: {task: t, rule: majority}}, b: {heuristic: {task: t, rule: random}}}\n"
        "compare: {baseline: a}\ntasks: {t: {classification: {data: d}}}\n"
    )
    code = invoke([argument.format(long=long) for argument in arguments])
    said = capsys.readouterr().err
    assert code == 2, said
    assert "internal error" not in said


def test_what_a_message_quotes_never_drives_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from harness.cli.app import invoke

    for arguments in (["\x1b]0;x\x07"], ["validate", "\x1b]0;x\x07.yaml"], ["run", "--\x1b[31m"]):
        assert invoke(arguments) == 2
        assert "\x1b" not in capsys.readouterr().err
