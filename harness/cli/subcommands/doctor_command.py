"""`harness doctor`."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.terminal import heading, say, say_json

if TYPE_CHECKING:
    from harness.core.model_kind import Extra


@click.command("doctor")
@click.argument("suite", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(suite: str | None, as_json: bool) -> int:
    """Show versions, extras, devices, cache, and disk space, and how to install anything missing.

    With SUITE, say which packages a run of it lacks. The exit code is then 12 if any is missing.
    """
    from harness.cli.process_settings import ProcessSettings
    from harness.core.errors import EXIT_INCOMPLETE, EXIT_OK
    from harness.pipeline import provenance
    from harness.pipeline.provenance import answering
    from harness.schema.units import show_bytes
    from harness.storage.store import default_cache

    cache = default_cache()
    existing = next(folder for folder in [cache, *cache.parents] if folder.exists())
    free = shutil.disk_usage(existing).free
    versions, hardware, policy = provenance.versions(), provenance.hardware(), answering()
    size = _size(cache)
    mirror = os.environ.get("HARNESS_DATA_DIR")
    extras, lacking = _extras(), [] if suite is None else _lacking(suite)
    advice = _advice(extras, suite, lacking, free)
    code = EXIT_INCOMPLETE if lacking else EXIT_OK
    process = ProcessSettings.apply()
    if as_json:
        say_json(
            {
                "versions": versions,
                "extras": extras,
                "suite": None if suite is None else {"name": suite, "missing": {n.module: n.reason for n in lacking}},
                "hardware": hardware,
                "answers": policy,
                "process": asdict(process),
                "cache": {"folder": str(cache), "bytes": size, "free_on_disk": free},
                "mirror": mirror,
                "advice": advice,
            }
        )
        return code
    heading("versions")
    for name, version in versions.items():
        say(f"  {name} {version}")
    heading("extras")
    for extra, missing in extras.items():
        say(f"  {extra}: {'missing ' + ', '.join(missing) if missing else 'installed'}")
    heading("hardware")
    memory = show_bytes(hardware["memory"]) if hardware["memory"] else "unknown memory"
    say(f"  {hardware['processor']}, {hardware['cores']} usable cores, {memory}, {hardware['system']}")
    say(f"  models run on {policy['device']} in {policy['dtype']}")
    heading("process")
    for line in process.lines():
        say(f"  {line}")
    heading("cache")
    say(f"  {cache}: {show_bytes(size)}, {show_bytes(free)} free on this disk")
    say(f"  data mirror (HARNESS_DATA_DIR): {mirror or 'none'}")
    if suite is not None:
        heading(f"suite {suite}")
        for need in lacking:
            say(f"  {need.reason} needs {need.module}")
        if not lacking:
            say("  every package that it needs is installed")
    for line in advice:
        heading(f"next: {line}", color="yellow")
    if not advice:
        say("nothing is missing")
    return code


def _extras() -> dict[str, list[str]]:
    """extra → its modules that are missing."""
    from harness.core.distribution import EXTRAS, is_installed

    return {extra: [name for name in modules if not is_installed(name)] for extra, modules in EXTRAS.items()}


def _lacking(suite: str) -> list[Extra]:
    from harness.calibration.load_calibration import load_any_suite
    from harness.core.distribution import is_installed
    from harness.suite.required_packages import suite_packages

    return [need for need in suite_packages(load_any_suite(suite)) if not is_installed(need.module)]


def _advice(extras: dict[str, list[str]], suite: str | None, lacking: list[Extra], free: int) -> list[str]:
    from harness.core.distribution import extra_of, install_command

    lines = []
    if lacking:
        needed = dict.fromkeys(extra for need in lacking if (extra := extra_of(need.module)) is not None)
        lines += [f"`{install_command(needed)}`"] if needed else []
        lines += [need.hint for need in lacking if extra_of(need.module) is None]
    elif suite is None and extras["models"]:
        lines.append(f"`{install_command(['models'])}`, to train models and to run them")
    if free < 2_000_000_000:
        lines.append("free some disk space: less than 2 GB is left for checkpoints and data")
    if not os.access(_nearest(Path.cwd()), os.W_OK):
        lines.append("this folder is not writable: pass --out to `harness run`")
    return lines


def _nearest(folder: Path) -> Path:
    return next(parent for parent in [folder, *folder.parents] if parent.exists())


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
