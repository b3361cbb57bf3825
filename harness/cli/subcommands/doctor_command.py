"""`harness doctor`."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path

import click


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout.")
def command(as_json: bool) -> int:
    """Show versions, devices, cache, and disk space, and how to install anything missing."""
    from harness.cli.options import emit_json
    from harness.cli.process_settings import ProcessSettings
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
    advice = _advice(versions, free)
    process = ProcessSettings.apply()
    if as_json:
        emit_json(
            {
                "versions": versions,
                "hardware": hardware,
                "answers": policy,
                "process": asdict(process),
                "cache": {"folder": str(cache), "bytes": size, "free_on_disk": free},
                "mirror": mirror,
                "advice": advice,
            }
        )
        return 0
    click.secho("versions", bold=True)
    for name, version in versions.items():
        click.echo(f"  {name} {version}")
    click.secho("hardware", bold=True)
    memory = show_bytes(hardware["memory"]) if hardware["memory"] else "unknown memory"
    click.echo(f"  {hardware['processor']}, {hardware['cores']} usable cores, {memory}, {hardware['system']}")
    click.echo(f"  models run on {policy['device']} in {policy['dtype']}")
    click.secho("process", bold=True)
    for line in process.lines():
        click.echo(f"  {line}")
    click.secho("cache", bold=True)
    click.echo(f"  {cache}: {show_bytes(size)}, {show_bytes(free)} free on this disk")
    click.echo(f"  data mirror (HARNESS_DATA_DIR): {mirror or 'none'}")
    for line in advice:
        click.secho(f"next: {line}", fg="yellow")
    if not advice:
        click.echo("nothing is missing")
    return 0


def _advice(versions: dict[str, str], free: int) -> list[str]:
    found = [
        f"`pip install {name}`: training or evaluation needs it, and it is missing"
        for name, version in versions.items()
        if version == "missing"
    ]
    if free < 2_000_000_000:
        found.append("free some disk space: less than 2 GB is left for checkpoints and data")
    if not os.access(_nearest(Path.cwd()), os.W_OK):
        found.append("this folder is not writable: pass --out to `harness run`")
    return found


def _nearest(folder: Path) -> Path:
    return next(parent for parent in [folder, *folder.parents] if parent.exists())


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
