"""Git facts are read without running what a repository names: filters, monitors, hooks, pagers and their like."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.pipeline.git_facts import git_state
from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir

PERSON = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.hooksPath=/dev/null")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *PERSON, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one committed file; the user's own configuration is empty."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "home").mkdir()
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "s.yaml").write_text("name: s\n", "utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "x")
    return folder


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that only appears when something of the repository ran."""
    return tmp_path / "ran"


def configure(folder: Path, text: str, file: str = ".git/config") -> None:
    with (folder / file).open("a", encoding="utf-8") as handle:
        handle.write(text)


def rewrite(folder: Path) -> None:
    """The same content at another time: git must read the file to know whether it changed."""
    file = folder / "s.yaml"
    file.write_text("name: s\n", "utf-8")
    os.utime(file, (1, 1))


def test_commit_and_cleanliness(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert git_state(repository) == {"commit": head, "dirty": False}
    rewrite(repository)
    assert git_state(repository)["dirty"] is False
    (repository / "new.txt").write_text("untracked", "utf-8")
    assert git_state(repository)["dirty"] is False
    (repository / "s.yaml").write_text("name: other\n", "utf-8")
    assert git_state(repository) == {"commit": head, "dirty": True}


def test_no_repository_no_commit_no_git(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(tmp_path) == {}
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert git_state(empty) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(repository) == {}


def program(marker: Path) -> str:
    return f'touch \\"{marker}\\"; false'


ATTACKS: dict[str, str] = {
    "fsmonitor": '[core]\n\tfsmonitor = "{run}"\n',
    "clean filter": '[filter "x"]\n\tclean = "{run}"\n\trequired\n',
    "process filter": '[filter "x"]\n\tprocess = "{run}"\n',
    "textconv": '[diff "x"]\n\ttextconv = "{run}"\n',
    "external diff": '[diff]\n\texternal = "{run}"\n',
    "pager": '[core]\n\tpager = "{run}"\n[pager]\n\tstatus = "{run}"\n',
    "alias": '[alias]\n\tstatus = "!{run}"\n\trev-parse = "!{run}"\n\tconfig = "!{run}"\n',
    "ssh command": '[core]\n\tsshCommand = "{run}"\n[remote "o"]\n\turl = ssh://x/y\n\tpromisor = true\n',
    "credential helper": '[credential]\n\thelper = "!{run}"\n',
    "configured hook": '[hook "x"]\n\tcommand = "{run}"\n\tevent = post-index-change\n',
    "work tree elsewhere": "[core]\n\tworktree = /\n",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_configuration_names_is_not_run(repository: Path, marker: Path, name: str) -> None:
    (repository / ".gitattributes").write_text("* filter=x diff=x\n", "utf-8")
    head = git(repository, "rev-parse", "HEAD")
    configure(repository, ATTACKS[name].replace("{run}", program(marker)))
    rewrite(repository)
    assert git_state(repository) == {"commit": head, "dirty": "unknown"}
    assert not marker.exists()


@pytest.mark.parametrize("name", ["fsmonitor", "clean filter", "process filter"])
def test_an_ordinary_status_would_have_run_it(repository: Path, marker: Path, name: str) -> None:
    (repository / ".gitattributes").write_text("* filter=x\n", "utf-8")
    configure(repository, ATTACKS[name].replace("{run}", program(marker)))
    rewrite(repository)
    subprocess.run(["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, check=False)
    assert marker.exists()


@pytest.mark.parametrize("where", ["include", "includeIf", "worktree"])
def test_what_an_included_configuration_names_is_not_run(repository: Path, marker: Path, where: str) -> None:
    text = ATTACKS["fsmonitor"].replace("{run}", program(marker))
    if where == "worktree":
        configure(repository, "[extensions]\n\tworktreeConfig = true\n")
        configure(repository, text, ".git/config.worktree")
    else:
        section = "include" if where == "include" else f'includeIf "gitdir:{repository}/"'
        configure(repository, f"[{section}]\n\tpath = ../more\n")
        configure(repository, text, "more")
    assert git_state(repository)["dirty"] == "unknown"
    assert not marker.exists()


def test_a_harmless_include_keeps_the_answer(repository: Path) -> None:
    configure(repository, "[include]\n\tpath = ../more\n")
    configure(repository, "[user]\n\tname = b\n", "more")
    assert git_state(repository)["dirty"] is False


def test_hooks_are_not_run(repository: Path, marker: Path) -> None:
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction"):
        hook = repository / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch '{marker}'\n", "utf-8")
        hook.chmod(0o755)
    rewrite(repository)
    assert git_state(repository)["dirty"] is False
    assert not marker.exists()


def test_a_submodule_is_not_looked_into(repository: Path, marker: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    git(tmp_path, "clone", "-q", str(repository), str(inner))
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "inner")
    git(repository, "commit", "-qm", "inner")
    configure(repository, ATTACKS["fsmonitor"].replace("{run}", program(marker)), ".git/modules/inner/config")
    (repository / "inner" / "s.yaml").write_text("changed", "utf-8")
    assert git_state(repository)["dirty"] is False
    assert not marker.exists()


def test_a_bare_repository_that_lies_in_the_folder_is_none(repository: Path, marker: Path) -> None:
    bare = repository / "data"
    git(repository, "clone", "-q", "--bare", str(repository), str(bare))
    configure(bare, "[core]\n\tbare = false\n\tworktree = .\n", "config")
    configure(bare, ATTACKS["fsmonitor"].replace("{run}", program(marker)), "config")
    assert git_state(bare) == {}
    assert not marker.exists()


def test_a_git_file_that_points_elsewhere(repository: Path, marker: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pointing"
    folder.mkdir()
    (folder / ".git").write_text(f"gitdir: {repository}/.git\n", "utf-8")
    configure(repository, ATTACKS["fsmonitor"].replace("{run}", program(marker)))
    assert git_state(folder) == {"commit": git(repository, "rev-parse", "HEAD"), "dirty": "unknown"}
    assert not marker.exists()


def test_the_users_own_filters_are_left_out_too(repository: Path, marker: Path, tmp_path: Path) -> None:
    configure(tmp_path / "home", ATTACKS["clean filter"].replace("{run}", program(marker)), ".gitconfig")
    rewrite(repository)
    assert git_state(repository)["dirty"] is False
    (repository / "s.yaml").write_text("name: other\n", "utf-8")
    assert git_state(repository)["dirty"] is True
    (repository / ".gitattributes").write_text("*.yaml filter=x\n", "utf-8")
    assert git_state(repository)["dirty"] == "unknown"
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF", "GIT_COMMON_DIR"],
)
def test_the_environment_does_not_steer_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = git_state(repository)
    monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.worktree")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "/")
    assert git_state(repository) == expected


def test_gits_own_refusal_stands(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run

    def of_another_owner(*given: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        options["env"] = {**dict(options["env"]), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}  # type: ignore[call-overload]  # it is a mapping
        return kept(*given, **options)

    monkeypatch.setattr(subprocess, "run", of_another_owner)
    assert git_state(repository) == {}


def test_a_git_that_hangs_gives_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.pipeline.git_facts.SECONDS", 0.3)
    configure(repository, "[include]\n\tpath = ../pipe\n")
    os.mkfifo(repository / "pipe")
    assert git_state(repository) == {}


def test_run_info_takes_unknown_and_what_earlier_versions_wrote(tmp_path: Path) -> None:
    for git_facts in ({"commit": "a", "dirty": "unknown"}, {"commit": "a", "dirty": True}, {}):
        info = RunInfo(run_id="r", suite="s", suite_text="", command=[], started="t", git=git_facts)
        RunDir(tmp_path).write_info(info)
        assert json.loads((tmp_path / "run.json").read_text("utf-8"))["git"] == git_facts
        assert RunDir(tmp_path).read_info().git == git_facts
