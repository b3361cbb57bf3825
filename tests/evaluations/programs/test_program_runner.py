"""Programs run in locked-down processes: right ones pass, wrong ones fail, and no way around the check passes."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.evaluations.programs import guarantees, program_runner
from harness.evaluations.programs.program_runner import ProgramCheck, ProgramLimits, ProgramOutcome, run_check

LIMITS = ProgramLimits(seconds=2, memory=256)
CHECK = "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(-1, y=1) == 0\n"
HEAD = "def add(x, y):\n"

pytestmark = pytest.mark.usefixtures("locked_down")


def outcome(body: str, check: str = CHECK, given: str = "", before: str = "") -> ProgramOutcome:
    return run_check(ProgramCheck(before + HEAD + body, "add", given, check), LIMITS)


@pytest.mark.parametrize(
    "body", ["    return x + y\n", "    print('noise' * 9999)\n    return sum([x, y])\n", "    return float(x + y)\n"]
)
def test_a_right_program_passes(body: str) -> None:
    assert outcome(body) == ProgramOutcome("passed", "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    return x - y\n", "wrong value"),
        ("    return z\n", "NameError"),
        ("    return None.x\n", "AttributeError"),
        ("    return (x +\n", "SyntaxError"),
        ("    return add(x, y)\n", "RecursionError"),
        ("    return bytearray(1 << 30)\n", "MemoryError"),
    ],
)
def test_a_wrong_program_fails_and_says_why(body: str, reason: str) -> None:
    assert outcome(body) == ProgramOutcome("failed", reason)


@pytest.mark.parametrize(
    ("body", "limit"),
    [("    while True: pass\n", "processor time"), ("    import time\n    time.sleep(3600)\n", "wall time")],
)
def test_a_program_without_end_is_ended(body: str, limit: str) -> None:
    started = time.monotonic()
    program = ProgramCheck(HEAD + body, "add", "", CHECK)
    limits = ProgramLimits(seconds=1, memory=256, patience=3 if limit == "wall time" else 20)
    assert run_check(program, limits) == ProgramOutcome("failed", f"limit of {limit}")
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "body",
    [
        "    import sys; sys.exit(0)\n",
        "    import os; os._exit(0)\n",
        "    raise SystemExit\n",
        "    raise KeyboardInterrupt\n",
        "    raise AssertionError\n",
        "    print('passed'); return 'passed'\n",
        # Every descriptor gets what the check would say, and what the program's part would.
        """
    import contextlib, os
    for number in range(64):
        with contextlib.suppress(OSError):
            os.write(number, b'["passed", ""]')
    os._exit(0)
""",
        """
    import builtins, sys
    builtins.AssertionError = Exception
    sys.excepthook = lambda *error: None
    return 0
""",
        """
    import sys
    frame = sys._getframe()
    while frame:
        frame.f_globals.update(check_program=print, reason_of=print, named_error=print)
        frame = frame.f_back
    return 0
""",
        "    class Any(int):\n        __eq__ = lambda *a: True\n        __hash__ = None\n    return Any(1)\n",
        "    class Any:\n        __eq__ = lambda *a: True\n    return Any()\n",
    ],
)
def test_no_way_around_the_check_passes(body: str) -> None:
    assert outcome(body).state == "failed"


@pytest.mark.parametrize("before", ["import os; os._exit(0)\n", "raise SystemExit(0)\n", "exit = 0; exit()\n"])
def test_a_program_that_ends_before_it_is_defined_fails(before: str) -> None:
    assert outcome("    return x + y\n", before=before).state == "failed"


def test_a_check_that_no_program_can_pass_is_broken_and_not_failed() -> None:
    right = "    return x + y\n"
    assert outcome(right, "def check(").state == "broken"
    assert outcome(right, "x = 1\n").state == "broken"
    passes_a_function = outcome(right, "def check(candidate):\n    candidate(print, 1)\n")
    assert passes_a_function.state == "broken"
    assert "builtin_function_or_method" in passes_a_function.reason


def test_a_check_may_use_the_prompt_s_helpers_and_the_function_s_own_name() -> None:
    check = "def check(candidate):\n    assert twice(candidate(1, 2)) == twice(add(1, 2)) == 6\n"
    given = 'def twice(x):\n    return 2 * x\n\ndef add(x, y):\n    """Adds."""\n'
    # The helper of the check is that of the prompt, whatever the program makes of it.
    assert outcome("    return x + y\n", check, given, "def twice(x):\n    return 0\n") == ProgramOutcome("passed", "")


def test_a_check_may_expect_an_error() -> None:
    check = """
def check(candidate):
    try:
        candidate('', 1)
    except ValueError:
        return
    assert False
"""
    assert outcome("    raise ValueError\n", check).state == "passed"
    assert outcome("    raise KeyError\n", check) == ProgramOutcome("failed", "KeyError")


def test_every_guarantee_holds_here() -> None:
    assert dict(guarantees.not_enforced()) == {}


def unlocked(folder: Path, monkeypatch: pytest.MonkeyPatch, lock_down: str) -> None:
    """Child processes whose `lock_down` is another one."""
    for path in Path(program_runner.__file__).parent.glob("*.py"):
        shutil.copy(path, folder)
    source = folder / "locked_down.py"
    source.write_text(source.read_text("utf-8") + lock_down, "utf-8")
    monkeypatch.setattr(program_runner, "_CHILD", folder / "child_process.py")
    guarantees._tried.cache_clear()


@pytest.mark.parametrize(
    ("without", "named"),
    [
        (["_limit"], ["a limit on memory", "a limit on processor time"]),
        (["_hide_files"], ["no reading of files"]),
        (["_filter_calls"], ["no network", "no new processes", "no signals to other processes"]),
        (
            ["_hide_files", "_filter_calls", "_limit"],
            [
                *("no network", "no reading of files", "no writing of files", "no new processes"),
                *("no signals to other processes", "a limit on memory", "a limit on processor time"),
            ],
        ),
    ],
)
def test_a_system_that_does_not_enforce_something_is_refused_and_it_is_named(
    without: list[str], named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked(tmp_path, monkeypatch, "".join(f"\n\ndef {name}(*arguments):\n    pass\n" for name in without))
    try:
        with pytest.raises(SuiteError, match="cannot lock generated programs down, so none ran") as error:
            guarantees.require_guarantees()
    finally:
        guarantees._tried.cache_clear()
    listing = error.value.message.partition("Not enforced: ")[2]
    assert sorted(part.partition(":")[0] for part in listing.split("; ")) == sorted(named)
    assert "--allow-generated-code" in (error.value.hint or "")


def test_a_system_that_refuses_a_step_is_named_and_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    unlocked(tmp_path, monkeypatch, "\n\ndef _hide_files(*arguments):\n    raise NotEnforcedError('hidden files')\n")
    try:
        with pytest.raises(SuiteError, match="hidden files: the system refuses it"):
            guarantees.require_guarantees()
        with pytest.raises(program_runner.NotEnforcedError, match="hidden files"):
            outcome("    return x + y\n", before=f"open({str(ran)!r}, 'w')\n")
    finally:
        guarantees._tried.cache_clear()
    assert not ran.exists()


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    guarantees._tried.cache_clear()
    try:
        with pytest.raises(SuiteError, match="needs Linux, this is darwin"):
            guarantees.require_guarantees()
    finally:
        guarantees._tried.cache_clear()
