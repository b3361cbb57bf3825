"""`harness data` without click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def _expand(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Data sets and checkpoints (`catalog:NAME`) that names and suites stand for."""
    from harness.data.catalog import catalog_index
    from harness.schema.suite.data_refs import CatalogRef

    known = set(catalog_index.names())
    data: dict[str, None] = {}
    checkpoints: dict[str, None] = {}
    for name in names:
        if name in known:
            data[name] = None
        elif name.startswith("catalog:"):
            checkpoints[name] = None
        else:
            from harness.pipeline.checkpoints.named_checkpoints import catalog_checkpoints
            from harness.pipeline.prepared_suite import references
            from harness.suite.load_suite import load_suite

            suite = load_suite(name)
            checkpoints.update(dict.fromkeys(catalog_checkpoints(suite)))
            for ref in references(suite).values():
                if isinstance(ref, CatalogRef):
                    data[ref.catalog] = None
    return list(data), list(checkpoints)


def _fetch_checkpoints(names: list[str]) -> None:
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.pipeline.checkpoints.named_checkpoints import fetch_checkpoints

    reporter = make_reporter()
    for done in fetch_checkpoints(names, open_store(reporter), reporter):
        click.echo(f"{done.name}: {done.package} ({done.license}), in {done.path}")


def _preview(name: str) -> Any:
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.data.fetch_preview import preview
    from harness.schema.suite.data_refs import CatalogRef

    return preview(CatalogRef(catalog=name), name=name, base=Path.cwd(), store=open_store(make_reporter(quiet=True)))


def _open(name: str) -> Any:
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.data.open_dataset import open_dataset
    from harness.schema.suite.data_refs import CatalogRef

    reporter = make_reporter()
    return open_dataset(
        CatalogRef(catalog=name), name=name, base=Path.cwd(), store=open_store(reporter), reporter=reporter
    )


def _open_file(path: Path) -> Any:
    from harness.cli.console import make_reporter
    from harness.cli.options import open_store
    from harness.data.open_dataset import open_dataset
    from harness.schema.suite.data_refs import FileRef

    reporter = make_reporter()
    ref = FileRef(file=str(path.absolute()), splits={"test": 1.0})
    return open_dataset(ref, name=path.stem, base=Path.cwd(), store=open_store(reporter), reporter=reporter)


def _facts(preview: Any) -> dict[str, Any]:
    return {
        "cached": preview.cached,
        "bytes_to_fetch": preview.bytes_to_fetch,
        "license": preview.license,
        "source": preview.source,
        "rows": preview.rows,
    }
