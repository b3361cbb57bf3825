"""Records as Parquet: one file per model and evaluation, with the head in the file's metadata."""

from __future__ import annotations

import io
import json
from pathlib import Path

from harness.core.errors import DataError, Where
from harness.core.records import Records, RecordsHead
from harness.storage import atomic, plain_files
from harness.storage.parquet_file import columns_of

RECORDS_FORMAT = 1
_GROUP = 65_536
"""Rows that are read at a time where only some are wanted."""


def write_records(path: Path, records: Records) -> None:
    """Writes Parquet atomically."""
    import pyarrow.parquet as pq

    head = {
        "format": RECORDS_FORMAT,
        "evaluation": records.head.evaluation,
        "model_digest": records.head.model_digest,
        "protocol": records.head.protocol,
        "seed": records.head.seed,
        "sample": records.head.sample,
        "facts": dict(records.head.facts),
    }
    table = records.table.replace_schema_metadata({b"harness": json.dumps(head, sort_keys=True).encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=_GROUP)
    atomic.write_bytes(path, sink.getbuffer())


def read_records(path: Path) -> Records:
    """Reads what `write_records` wrote.

    Raises:
        DataError: when the file is missing, damaged or of another format.
    """
    import pyarrow as pa

    try:
        plain_files.require(path)
        columns, metadata = columns_of(path)
        head = plain_files.parse_json(metadata[b"harness"])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise DataError(
            f"cannot read records: {error}", where=Where(path), hint="rerun the suite to rebuild them."
        ) from error
    if head.get("format") != RECORDS_FORMAT:
        raise DataError(
            f"records have format {head.get('format')}, expected {RECORDS_FORMAT}.",
            where=Where(path),
            hint="rerun the suite with this version of harness.",
        )
    return Records(
        RecordsHead(
            head["evaluation"], head["model_digest"], head["protocol"], head["seed"], head["sample"], head["facts"]
        ),
        columns,
    )
