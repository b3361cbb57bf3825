from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from harness.cli.console import PlainReporter, TerminalReporter
from harness.report.wording.safe_text import clean


def test_model_output_never_drives_the_terminal() -> None:
    assert clean("a\x1b[31mred\x07\r\u202eb\nnext") == "a�[31mred���b\nnext"


def test_plain_lines_say_each_warning_once(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PlainReporter()
    reporter.warn("slow disk")
    reporter.warn("slow disk")
    reporter.info("hello")
    assert capsys.readouterr().err == "warning: slow disk\nhello\n"
    assert reporter.warnings == ["slow disk"]


def test_quiet_keeps_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PlainReporter(quiet=True)
    with reporter.task("long", total=2) as task:
        task.advance()
        task.note("loss 2.0")
    reporter.info("hello")
    reporter.warn("careful")
    captured = capsys.readouterr()
    assert captured.err == "warning: careful\n"
    assert captured.out == ""


def test_what_a_bar_says_never_drives_the_terminal() -> None:
    reporter = TerminalReporter()
    stream = io.StringIO()
    reporter.console = Console(file=stream, force_terminal=True, width=80)
    planted = "\x1b]0;owned\x07\x9b2J"
    with reporter.task(f"converting {planted}.gguf", total=2) as task:
        task.note(f"loss {planted}")
        task.advance()
        time.sleep(0.15)
        reporter.info(planted)
        reporter.warn(planted)
    shown = stream.getvalue()
    assert "converting" in shown
    assert re.search(r"\x1b\]|\x07|\x9b", shown) is None
