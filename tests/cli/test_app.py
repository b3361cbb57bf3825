from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli.app import COMMANDS, harness, invoke
from harness.core.errors import DataError

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def commands() -> dict[str, click.Command]:
    context = click.Context(harness)
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = harness.get_command(context, name)
        assert command is not None
        found[name] = command
        if isinstance(command, click.Group):
            found.update({f"{name} {sub}": entry for sub, entry in command.commands.items()})
    return found


def test_every_command_explains_itself() -> None:
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name != "help":
                assert parameter.help, f"{name} {parameter.opts}"


def test_the_docs_cover_every_command_and_option() -> None:
    text = DOCS.read_text("utf-8")
    for name, command in commands().items():
        assert f"harness {name.split()[0]}" in text
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts] if isinstance(parameter, click.Option) else []:
                if option.startswith("--"):
                    assert re.search(rf"`{option}\b", text), f"docs/cli.md does not mention {option} of {name}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom harness.cli.app import invoke\nassert invoke(['--help']) == 0\n"
        "roots = {name.split('.')[0] for name in sys.modules}\n"
        "heavy = {'numpy', 'pyarrow', 'pydantic', 'torch', 'rich', 'ruamel'} & roots\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_unknown_commands_get_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["rnu"]) == 2
    assert "Did you mean 'run'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "sentimnt"], "Did you mean 'sentiment'?"),
        (["run", "sentiment", "--model", "finetuned"], "expected NAME=PATH"),
        (["run", "sentiment", "--limit", "0"], "0"),
        (["validate", "no/such/file.yaml"], "no/such/file.yaml"),
        (["report", "no-such-run"], "no finished run here"),
        (["gate", "no-such-run"], "no finished run here"),
        (["export", "no-such-run", "base", "out"], "no finished run here"),
        (["compare", "no-such-run", "another"], "no finished run here"),
        (["data", "show", "vader-review"], "vader-reviews"),
        (["run", "sentiment", "--only", "finetund"], "finetuned"),
        (["run", "sentiment", "--model", "nobody=x"], "nobody"),
        (["audit", "no/such/base", "no/such/model"], "no/such/base"),
    ],
)
def test_what_a_person_gets_wrong_is_said_with_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = invoke(arguments)
    captured = capsys.readouterr()
    assert code == 2, captured.err
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == [], "nothing half-written stays"


def test_an_internal_error_is_70_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.delenv("HARNESS_DEBUG", raising=False)
    monkeypatch.setattr(click.Group, "invoke", broken)
    assert invoke(["list"]) == 70
    err = capsys.readouterr().err
    assert "internal error: RuntimeError: a defect" in err
    assert "HARNESS_DEBUG=1" in err
    assert "Traceback" not in err


def test_interrupting_is_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Group, "invoke", interrupted)
    assert invoke(["list"]) == 130
    assert "rerun the command to resume" in capsys.readouterr().err


def test_list_as_json_holds_what_is_registered(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["list", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert "classification" in value["tasks"]
    assert "counterfactual" in value["probes"]
    assert "vader-reviews" in value["data"]
    assert "sentiment" in value["suites"]


def test_init_writes_a_valid_suite_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["init", "rows.csv", "--out", "mine.yaml", "--label", "stars"]
    assert invoke(asked) == 2
    assert "rows.csv: expected a file, found nothing" in capsys.readouterr().err
    assert not (tmp_path / "mine.yaml").exists()
    rows = "".join(f"café, good {k};4.0\nbad, bad {k};1\n" for k in range(20))
    (tmp_path / "rows.csv").write_bytes(f"body;stars\n{rows}".encode("latin-1"))
    assert invoke(asked) == 0
    written = (tmp_path / "mine.yaml").read_text()
    for line in ("file: rows.csv", "encoding: cp1252", 'delimiter: ";"', 'labels: ["1", "4"]'):
        assert line in written
    assert "guessed from the first rows" in capsys.readouterr().err
    assert invoke(["validate", "mine.yaml"]) == 0
    (tmp_path / "mine.yaml").write_text("mine")
    assert invoke(asked) == 2
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert "--force" in capsys.readouterr().err


def test_doctor_and_schema_answer_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hardware"]["cores"] >= 1
    assert invoke(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_python_m_harness_is_the_command_line() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "harness", "--version"], check=True, capture_output=True, text=True, timeout=60
    )
    assert made.stdout.startswith("harness, version ")


def test_a_command_of_0_1_0_names_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["import-lm-eval", "a=b"]) == 2
    assert "the command 'import-lm-eval' is called 'import lm-eval' now." in capsys.readouterr().err


def test_everything_that_is_listed_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [
        f"{kind} {name}" for kind, entries in listed.items() for name, summary in entries.items() if not summary
    ] == []


def test_verified_data_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["data", "verify", "own-pairs"]) == 0
    printed = capsys.readouterr().out
    assert printed == "own-pairs: generated by harness (own_pairs): ok (part of harness, nothing is stored)\n"


def test_two_readings_of_a_file_are_settled_by_an_option_of_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import harness

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    Path("either.csv").write_text("id;text,label;prediction,target\n1;he,a;x,x\n2;she,b;y,y\n")
    asked = ["init", "either.csv", "--out", "s.yaml", "--text", "text,label", "--label", "prediction,target"]
    for arguments in (["data", "audit", "either.csv"], asked):
        assert invoke(arguments) == 2
        assert "pass --delimiter ',' or --delimiter ';'" in capsys.readouterr().err
    assert invoke(["data", "audit", "either.csv", "--delimiter", ";", "--text", "text,label"]) == 0
    assert invoke([*asked, "--delimiter", ";"]) == 0
    assert 'delimiter: ";"' in Path("s.yaml").read_text()
    with pytest.raises(DataError, match="can be read with commas"):
        harness.compare("either.csv", "either.csv")
    found = harness.compare("either.csv", "either.csv", target="text,label", prediction="text,label", delimiter=";")
    assert len(found.base_records) == 2
    assert invoke(["data", "audit", "either.csv", "--delimiter", "ab"]) == 2
    assert "one character" in capsys.readouterr().err
