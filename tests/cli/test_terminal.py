"""Every text that goes to a terminal goes through one function, so that no foreign text drives it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import click
import pytest

import harness
from harness.cli.terminal import heading, joined, say, say_json, styled

HOUSE = Path(harness.__file__).parent
DOORS = {
    "cli/terminal.py": {"echo", "secho", "style"},
    "cli/console.py": {"print"},
    "cli/pull_request_comment.py": {"write"},
}
"""Where a call of the name may stand: the texts of `console` are cleaned there, the comment is a line of our own."""
CALLS = {"echo", "secho", "style", "print", "echo_via_pager"}
HOSTILE = "a\x1b[31mred\x9b0m\x07\u202eb"


def calls(file: Path) -> set[str]:
    """Names of calls in a file that print."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            names.add("print")
        elif isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if (owner == "click" and node.func.attr in CALLS) or owner in ("sys.stdout", "sys.stderr"):
                names.add(node.func.attr)
    return names - {"flush", "isatty", "fileno", "reconfigure"}


@pytest.mark.parametrize("file", sorted(HOUSE.rglob("*.py")), ids=lambda file: str(file.relative_to(HOUSE)))
def test_no_other_place_prints(file: Path) -> None:
    assert calls(file) <= DOORS.get(file.relative_to(HOUSE).as_posix(), set())


def test_what_is_printed_has_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    heading(HOSTILE)
    say_json({"text": HOSTILE})
    out, err = capsys.readouterr()
    assert all(char == "\n" or char.isprintable() for char in out + err)
    say(joined(HOSTILE, styled("ok", color="red")))
    assert click.unstyle(capsys.readouterr().out) == "a�[31mred�0m��bok\n"
    assert json.loads(out.splitlines()[-1]) == {"text": HOSTILE}, "JSON keeps the text"
