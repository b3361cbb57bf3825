"""What works without the extras, and what it imports."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from harness_support.without_extras import run_without

STORED = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"

SUITE = """
name: small
data: {notes: {file: notes.csv, columns: {text: body, label: mood}, splits: {train: 0.5, validation: 0.2, test: 0.3}}}
models:
  majority: {heuristic: {task: notes, rule: majority}}
  finetuned: {load: nowhere}
compare: {baseline: majority}
tasks: {notes: {classification: {data: notes, text: text, label: label}}}
gates: [{id: better, metric: notes.accuracy, kind: absolute, min: 0.1, model: majority}]
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORED, tmp_path / "reports" / "old" / "run"))


def invoked(folder: Path, *lines: list[str], after: str = "") -> dict[str, int]:
    """Exit codes of command lines, in one process without any package of an extra."""
    code = (
        "import json\nfrom harness.cli.app import invoke\n"
        f"codes = {{line[0]: invoke(line) for line in {list(lines)!r}}}\n{after}\n"
        "print('\\n' + json.dumps(codes))\n"
    )
    done = run_without(code, folder=folder, cache=folder / "cache")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    codes: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return codes


def test_stored_runs_are_judged_and_shown_without_the_extras(run: Path, tmp_path: Path) -> None:
    name = str(run)
    codes = invoked(
        tmp_path,
        ["gate", name, "--write", "--allow-unsealed"],
        ["explain", "--run", name],
        ["report", name],
        ["compare", name, name],
        ["index", str(run.parents[1])],
        ["list"],
        ["doctor"],
        after=(
            "from harness.storage.run_dir import RunDir\nfrom pathlib import Path\n"
            "from harness.report.live_server import server\n"
            f"server(RunDir(Path({name!r})), 0).server_close()\n"
            "import harness\nrows = [{'id': k, 'score': k % 3} for k in range(9)]\n"
            "harness.judge(harness.compare(rows, rows), harness.Gate('g', metric='score', kind='superiority'))\n"
        ),
    )
    assert codes.pop("gate") in {0, 10, 11, 12}
    assert set(codes.values()) == {0}
    assert (run / "report.html").is_file()


def test_a_suite_is_read_and_locked_without_the_extras(tmp_path: Path) -> None:
    rows = "".join(f"text number {k},{'good' if k % 3 else 'bad'}\n" for k in range(60))
    (tmp_path / "notes.csv").write_text("body,mood\n" + rows, "utf-8")
    (tmp_path / "small.yaml").write_text(SUITE.replace("  finetuned: {load: nowhere}\n", ""), "utf-8")
    assert invoked(tmp_path, ["validate", "small.yaml"], ["plan", "small.yaml"], ["lock", "small.yaml"]) == {
        "validate": 0,
        "plan": 0,
        "lock": 0,
    }


def test_doctor_says_what_a_suite_lacks(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("body,mood\na,b\n", "utf-8")
    (tmp_path / "small.yaml").write_text(SUITE, "utf-8")
    code = "import sys\nfrom harness.cli.app import invoke\nsys.exit(invoke(['doctor', 'small.yaml']))"
    done = run_without(code, folder=tmp_path, cache=tmp_path / "cache")
    assert done.returncode == 12, done.stderr
    assert "model finetuned: the model kind load needs torch" in done.stdout
    assert 'next: `pip install "paired-harness[models]"`' in done.stdout
    everything = run_without(code, folder=tmp_path, cache=tmp_path / "cache", names=("no_such_module",))
    assert everything.returncode == 0, everything.stdout


@pytest.mark.parametrize("command", [["gate", "--allow-unsealed"], ["explain", "--run"]])
def test_judging_a_stored_run_imports_no_heavy_library(command: list[str], run: Path) -> None:
    code = (
        f"from harness.cli.app import invoke\ninvoke({[*command, str(run)]!r})\n"
        "roots = {name.split('.')[0] for name in sys.modules if sys.modules[name] is not None}\n"
        "heavy = {'torch', 'transformers', 'pandas', 'sklearn', 'scipy', 'datasets', 'unearth', 'aiohttp', 'httpx2'}\n"
        "print('imported', sorted(heavy & roots))\n"
    )
    done = run_without("import sys\n" + code, folder=run.parent, cache=run.parent / "cache", names=("no_such_module",))
    assert done.stdout.splitlines()[-1] == "imported []", done.stdout + done.stderr


def test_a_command_that_needs_an_extra_says_which(tmp_path: Path) -> None:
    code = (
        "import sys\nimport harness.commands.stored_runs.explain as page\nfrom harness.cli.app import invoke\n"
        "def needs(*_): import torch.nn\npage.explain_run = needs\n"
        f"sys.exit(invoke(['explain', '--run', {str(STORED)!r}]))"
    )
    done = run_without(code, folder=tmp_path, cache=tmp_path / "cache")
    assert done.returncode == 12
    assert "needs torch of the extra 'models', which is not installed.\nnext: `pip install" in done.stderr
    assert sys.executable not in done.stderr


def test_a_frame_without_pandas_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "import harness\nrows = [{'id': k, 'score': k % 3} for k in range(9)]\n"
        "try:\n    harness.compare(rows, rows).to_frame()\nexcept ImportError as error:\n    print(error)\n"
    )
    done = run_without(code, folder=tmp_path, cache=tmp_path / "cache")
    assert done.stdout.startswith("to_frame() needs pandas of the extra 'models', which is not installed."), done.stderr


def answered(number: int, right: bool) -> dict[str, object]:
    """A question of two choices, as lm-evaluation-harness logs it."""
    target = number % 2
    values = [-1.0 if (place == target) is right else -5.0 for place in range(2)]
    return {
        "doc_id": number,
        "doc": {"q": f"question {number}"},
        "target": str(target),
        "arguments": {f"gen_args_{place}": {"arg_0": f"Q {number}", "arg_1": f" answer {place}"} for place in range(2)},
        "resps": [[[str(value), "False"]] for value in values],
        "filtered_resps": [[str(value), "False"] for value in values],
        "filter": "none",
        "doc_hash": f"hash {number}",
        "acc": float(right),
    }


def test_logs_of_another_tool_are_imported_and_judged_without_the_extras(tmp_path: Path) -> None:
    for name, every in (("base", 3), ("tuned", 1)):
        samples = [answered(number, number % every == 0) for number in range(90)]
        folder = tmp_path / name
        folder.mkdir()
        text = "".join(json.dumps(sample) + "\n" for sample in samples)
        (folder / "samples_animals_2026-11-21T14-28-31.764264.jsonl").write_text(text, "utf-8")
    assert invoked(
        tmp_path,
        ["import", "lm-eval", "base=base", "tuned=tuned"],
        ["report", "reports/lm-eval"],
        ["compare", "reports/lm-eval", "reports/lm-eval", "--model", "base=tuned"],
        ["index"],
    ) == {"import": 0, "report": 0, "compare": 0, "index": 0}
