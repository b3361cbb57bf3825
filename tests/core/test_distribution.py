"""The distribution's name, its extras, and the hints that name them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.core.distribution import (
    DISTRIBUTION,
    EXTRAS,
    MissingPackageError,
    explained,
    extra_of,
    install_command,
    install_hint,
    missing_package,
)

ROOT = Path(__file__).parents[2]
IMPORTED_AS = {"scikit-learn": "sklearn", "huggingface-hub": "huggingface_hub", "lm-eval": "lm_eval"}
FOREIGN_NAME = re.compile(r"""install\b[^\n`]*?[\s"'=]harness(?=[\[\s"'`=<>~!,;]|$)""", re.M)
TEXTS = {".md", ".py", ".toml", ".yaml", ".yml", ".ini", ".txt", ".j2", ".html", ".cfg", ".json", ".sh", ""}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)["project"]
    return content


def test_the_constant_is_the_name_of_the_project(project: dict[str, Any]) -> None:
    assert project["name"] == DISTRIBUTION != "harness"


def test_the_extras_bring_what_the_hints_say(project: dict[str, Any]) -> None:
    declared = project["optional-dependencies"]
    assert set(declared) == {*EXTRAS, "test", "dev"}
    for extra, modules in EXTRAS.items():
        packages = {re.split(r"[<>=~!\[;]", text)[0].strip() for text in declared[extra]} - {DISTRIBUTION}
        assert {IMPORTED_AS.get(package, package) for package in packages} == set(modules), extra
    assert not {"torch", "transformers", "pandas", "scikit-learn"} & {
        re.split(r"[<>=~!\[;]", text)[0] for text in project["dependencies"]
    }


def written() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or [path for path in ROOT.rglob("*") if path.is_file()]
    for path in paths:
        if path.suffix in TEXTS and path.is_file() and "tests" not in path.relative_to(ROOT).parts:
            yield path, path.read_text("utf-8", "replace")


def command_of(line: str) -> str:
    """A line up to a second command, which may well be `harness`."""
    return line.partition("&&")[0]


def test_the_pattern_knows_the_name_of_another_owner() -> None:
    for text in (
        "pip install harness",
        'pip install "harness[qlora]"',
        "pip install -U harness==0.1",
        "uv pip install harness[models]",
    ):
        assert FOREIGN_NAME.search(text), text
    for text in (
        install_command(["qlora"]),
        "pip install . && harness run x",
        "pip install paired-harness",
        "installs harness-like",
    ):
        assert not FOREIGN_NAME.search(command_of(text)), text


def test_no_hint_installs_the_package_of_another_owner() -> None:
    for path, text in written():
        for line in text.splitlines():
            assert not FOREIGN_NAME.search(command_of(line)), f"{path}: {line.strip()}"


def test_every_extra_that_a_text_names_exists() -> None:
    known = {*EXTRAS, "test", "dev"}
    for path, text in written():
        for names in re.findall(rf"{DISTRIBUTION}\[([\w,.-]+)\]", text):
            assert set(names.split(",")) <= known, f"{path}: {names}"


def test_a_missing_package_is_one_sentence_and_one_command() -> None:
    error = missing_package("torch.nn", "training")
    assert error.message == "training needs torch of the extra 'models', which is not installed."
    assert error.hint == f'`pip install "{DISTRIBUTION}[models]"`, then rerun.'
    assert error.exit_code == 12
    assert install_hint("gguf", "use safetensors").endswith('[gguf]"`, or use safetensors.')
    with pytest.raises(ValueError, match="no extra"):
        missing_package("numpy")


def test_only_import_errors_of_extras_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with (
        pytest.raises(MissingPackageError, match=r"reading s3:// needs s3fs of the extra 's3'"),
        explained("reading s3://"),
    ):
        import s3fs  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), explained():
        import no_such_module  # noqa: F401
    assert extra_of("harness.core") is None


def test_the_page_lists_every_extra() -> None:
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == set(EXTRAS)
