"""Commit and cleanliness of the repository around a suite, read without running anything that the repository names.

A repository's own configuration can name programs: filters, `core.fsmonitor`, hooks, pagers, ssh commands. So the
commit is read by a command that touches neither index nor work tree, and the work tree is looked at only where the
repository's configuration holds nothing but settings known to start nothing; elsewhere `dirty` is "unknown".
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

Dirty = bool | Literal["unknown"]

SECONDS = 5.0

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_OURS = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES")
"""Variables that say where the user's own configuration is; every other GIT_… could steer git to another place."""

_HARMLESS = re.compile(
    r"(?:core\.(?:repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol"
    r"|safecrlf|abbrev|compression|quotepath|protecthfs|protectntfs|trustctime|checkstat|longpaths|commitgraph)"
    r"|extensions\.(?:objectformat|refstorage|compatobjectformat|worktreeconfig)"
    r"|remote\..*\.(?:url|fetch|push|pushurl|tagopt|prune|mirror|gh-resolved)"
    r"|include\.path|includeif\..*\.path"
    r"|(?:branch|submodule|user|author|committer|gc|pull|push|fetch|color|advice|rerere|rebase|init|http|url|pack)\..*"
    r"|maintenance\..*|index\.(?:version|threads)|lfs\.repositoryformatversion)\Z"
)
"""Keys that start nothing when `git status` reads a work tree without its submodules. What an included file says is
listed, and held to this, too."""

_SETTINGS = (
    "core.fsmonitor=",
    "core.untrackedCache=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
    "status.submoduleSummary=false",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


def git_state(folder: Path) -> dict[str, Any]:
    """Commit and cleanliness of the repository that holds `folder`; empty where git finds or accepts none.

    Returns:
        `commit`, and `dirty`: whether tracked files differ from it, or "unknown" where that cannot be told without
        running what the repository names.
    """
    git = shutil.which("git")
    if git is None or not Path(git).is_absolute():
        return {}
    try:
        commit = _git(git, folder, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    except (OSError, subprocess.SubprocessError):
        return {}
    if not _COMMIT.match(commit):
        return {}
    try:
        return {"commit": commit, "dirty": _dirty(git, folder)}
    except (OSError, subprocess.SubprocessError):
        return {"commit": commit, "dirty": "unknown"}


def _dirty(git: str, folder: Path) -> Dirty:
    scopes = _configured(git, folder)
    if any(scope not in {"system", "global", "command"} and not _HARMLESS.match(key) for scope, key in scopes):
        return "unknown"
    # A filter of the user's own configuration (Git LFS, say) may in turn run what the repository names: it is left out.
    drivers = {key.rpartition(".")[0] for _, key in scopes if key.startswith("filter.")}
    if any("=" in driver or "\n" in driver for driver in drivers):
        return "unknown"
    emptied = [f"{driver}.{what}=" for driver in sorted(drivers) for what in ("clean", "smudge", "process")]
    emptied += [f"{driver}.required=false" for driver in sorted(drivers)]
    options = ("--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
    changed = [line[3:] for line in _git(git, folder, "status", *options, settings=emptied).split("\0") if line]
    if not changed or not drivers:
        return bool(changed)
    # Without its filter, a file may look changed that is not.
    return True if _unfiltered(git, folder, changed) else "unknown"


def _configured(git: str, folder: Path) -> list[tuple[str, str]]:
    """(scope, key) of everything that is configured here, files included; listing reads files and runs nothing."""
    listed = _git(git, folder, "config", "--list", "--includes", "--show-scope", "--name-only", "-z").split("\0")
    return list(zip(listed[::2], listed[1::2], strict=False))


def _unfiltered(git: str, folder: Path, paths: list[str]) -> bool:
    """Whether one of these files, named from the top of the work tree, has no filter."""
    top = Path(_git(git, folder, "rev-parse", "--show-toplevel").removesuffix("\n"))
    attributes = _git(git, top, "check-attr", "-z", "--stdin", "filter", given="\0".join(paths)).split("\0")
    return any(value in {"unspecified", "unset"} for value in attributes[2::3])


def _git(git: str, folder: Path, *arguments: str, settings: list[str] | None = None, given: str = "") -> str:
    """The output of a git command of ours.

    Raises:
        OSError, subprocess.SubprocessError: when it cannot run, fails or takes too long.
    """
    options = [part for setting in [*_SETTINGS, *(settings or ())] for part in ("-c", setting)]
    done = subprocess.run(
        [git, "--no-pager", "--no-optional-locks", "--no-replace-objects", *options, "-C", str(folder), *arguments],
        input=os.fsencode(given),
        capture_output=True,
        timeout=SECONDS,
        check=True,
        env=_environment(),
    )
    return os.fsdecode(done.stdout)


def _environment() -> dict[str, str]:
    """The user's environment without what steers git elsewhere, and without any way to the network or a prompt."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _OURS}
    return kept | {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
