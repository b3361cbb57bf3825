"""`harness data` without click: what names stand for, and how an entry or a file is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.digests import bytes_digest
from harness.core.errors import DataError, Where
from harness.core.reporter import Reporter
from harness.data.user_data import LABEL
from harness.schema.suite.data_refs import CatalogRef, FileRef
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.core.dataset import Dataset
    from harness.data.fetch_preview import DataPreview


def expand_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Datasets and checkpoints (`catalog:NAME`) that names and suites refer to, each once."""
    from harness.data.catalog import catalog_index

    known = set(catalog_index.names())
    data: dict[str, None] = {}
    checkpoints: dict[str, None] = {}
    for name in names:
        if name in known:
            data[name] = None
        elif name.startswith("catalog:"):
            checkpoints[name] = None
        else:
            from harness.calibration.load_calibration import load_any_suite
            from harness.pipeline.checkpoints.named_checkpoints import catalog_checkpoints
            from harness.pipeline.prepared_suite import held_out_references, references

            suite = load_any_suite(name)
            checkpoints.update(dict.fromkeys(catalog_checkpoints(suite)))
            for ref in {**held_out_references(suite), **references(suite)}.values():
                if isinstance(ref, CatalogRef):
                    data[ref.catalog] = None
    return list(data), list(checkpoints)


def preview_entry(name: str, store: Store) -> DataPreview:
    """What is known of a catalog entry before it is fetched."""
    from harness.data.fetch_preview import preview

    return preview(CatalogRef(catalog=name), name=name, base=Path.cwd(), store=store)


def open_entry(name: str, store: Store, reporter: Reporter) -> Dataset:
    """The rows of a catalog entry, fetched when they are not cached."""
    from harness.data.open_dataset import open_dataset

    return open_dataset(CatalogRef(catalog=name), name=name, base=Path.cwd(), store=store, reporter=reporter)


def open_file(path: Path, reporter: Reporter, read_as: Mapping[str, str] | None = None, label: str = LABEL) -> Dataset:
    """The rows of a user's file as they are, all of them in the test split.

    A suite leaves out rows without a text or a label and rows that repeat others; an audit counts them, so nothing is
    left out here, and a cell that is missing is None.

    Args:
        read_as: `format`, `delimiter` and `encoding` where the user gives them.
        label: the column of labels, if the file has it.

    Raises:
        DataError: when the file cannot be read, holds no rows, or has lists in place of labels.
    """
    from harness.core.dataset import Dataset, Row
    from harness.core.labels import check_label_cells, is_missing, mixed_spellings
    from harness.data.parsers.raw_row import plain
    from harness.data.read_rows import TableFormat, content_of, read_rows

    ref = file_ref(str(path), read_as or {})
    table_format = TableFormat(ref.format, ref.delimiter, ref.encoding)
    content = content_of(path)
    read = read_rows(content, str(path), table_format)
    columns = tuple(dict.fromkeys(name for raw in read.rows for name in raw.fields))
    if not columns:
        raise DataError("expected rows, found none.", where=Where(path), hint="check that this is the right file.")
    notes = list(read.notes)
    if label in columns:
        labels = [plain(raw.fields.get(label)) for raw in read.rows]
        check_label_cells(labels, label, lambda row: Where(path, read.rows[row].line))
        notes += mixed_spellings(labels)
    for note in notes:
        reporter.warn(f"data {path.stem!r}: {note}")
    cells = ({name: plain(raw.fields.get(name)) for name in columns} for raw in read.rows)
    rows = tuple(
        Row(str(place), {name: None if is_missing(cell) else cell for name, cell in row.items()}, str(place))
        for place, row in enumerate(cells)
    )
    return Dataset(path.stem, bytes_digest(content), {"test": rows}, columns)


def file_ref(file: str, read_as: Mapping[str, str], **keys: Any) -> FileRef:
    """A user's file as a suite would name it.

    Raises:
        DataError: for an option that no file takes.
    """
    try:
        return FileRef.model_validate({"file": file, **read_as, **keys})
    except ValueError:
        raise DataError(
            f"expected one character as delimiter, found {read_as.get('delimiter')!r}.", where=Where(file)
        ) from None


def preview_facts(preview: DataPreview) -> dict[str, Any]:
    """A preview as JSON."""
    return {
        "cached": preview.cached,
        "bytes_to_fetch": preview.bytes_to_fetch,
        "license": preview.license,
        "source": preview.source,
        "rows": preview.rows,
    }
