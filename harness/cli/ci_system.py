"""Reports a finished run to the CI system it runs under."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

import click

from harness.cli.terminal import say

if TYPE_CHECKING:
    from harness.schema.results.results_file import Results
    from harness.schema.run_info import RunInfo
    from harness.storage.run_dir import RunDir

F = TypeVar("F", bound=Callable[..., Any])
System = Literal["github", "gitlab", "none"]

QUALITY = "gl-code-quality-report.json"
SARIF = "harness.sarif"


def ci_option(function: F) -> F:
    """`--ci`."""
    return click.option(
        "--ci",
        type=click.Choice(["auto", "github", "gitlab", "none"]),
        default="auto",
        show_default=True,
        help="Also report to this CI system (annotations, job summary, outputs). auto: detect it from the environment.",
    )(function)


def detect(wanted: str) -> System:
    """Returns the requested CI system, or else the one that the environment names."""
    for system in get_args(System):
        if wanted == system:
            return cast(System, system)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if os.environ.get("GITLAB_CI") == "true" else "none"


def tell(run: RunDir, results: Results, info: RunInfo, wanted: str, *, as_json: bool, written: bool = True) -> None:
    """Reports a finished run to the CI system; a failed write is a warning, never a verdict.

    GitHub: annotations at the gates' own lines, the job summary, and the step's outputs `verdict`,
    `exit_code`, `run_dir`, `comment` and `sarif`. GitLab: a code quality report next to junit.xml.

    Args:
        written: whether the run's own reports hold these results; else the files for outputs go to the job's folder
            for temporary files.
    """
    system = detect(wanted)
    if system == "none":
        return
    from harness.report.formats.ci_annotations import github_annotations, gitlab_code_quality
    from harness.report.formats.summary import summary_markdown

    try:
        if system == "gitlab":
            from harness.storage import atomic

            root = Path(os.environ.get("CI_PROJECT_DIR") or Path.cwd())
            atomic.write_text(run.path / QUALITY, gitlab_code_quality(results, info, root))
            return
        root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        for line in github_annotations(results, info, root):
            # The runner reads both streams; under --json stdout is one object.
            say(line, err=as_json)
        outputs = {
            "verdict": results.verdict.overall,
            "exit_code": str(results.verdict.exit_code),
            "run_dir": run.path.as_posix(),
            **_files(run, results, info, root, written=written),
        }
        # Outputs first: later steps act on them, and an unwritable summary must not cost them.
        _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items()))
        _append("GITHUB_STEP_SUMMARY", summary_markdown(results, info))
    except OSError as error:
        say(f"warning: could not notify the CI system: {error.strerror}: {error.filename}", err=True)


def _files(run: RunDir, results: Results, info: RunInfo, root: Path, *, written: bool) -> dict[str, str]:
    """Output → the path of its file."""
    from harness.report.formats.comment import comment_markdown
    from harness.report.formats.sarif import sarif
    from harness.storage import atomic

    folder = run.path if written else Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir())
    comment = folder / ("comment.md" if written else "harness-comment.md")
    if not written:
        atomic.write_text(comment, comment_markdown(results, info))
    places = folder / SARIF
    atomic.write_text(places, sarif(results, info, root))
    return {"comment": comment.as_posix(), "sarif": places.as_posix()}


def _append(variable: str, text: str) -> None:
    name = os.environ.get(variable)
    if name:
        with Path(name).open("a", encoding="utf-8") as out:
            out.write(text)
