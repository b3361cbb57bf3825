"""What tasks and probes share in their YAML: how data is named."""

from __future__ import annotations

from harness.core.digests import digest
from harness.schema.suite.data_refs import CatalogRef, FileRef, HubRef, SourceRef

DataName = str | CatalogRef | FileRef | HubRef | SourceRef
"""A name of the suite's `data`, or a reference written in place."""


def ref_name(ref: DataName) -> str:
    """What a reference goes by: its name in the suite; written in place, its catalog name or a digest."""
    if isinstance(ref, str):
        return ref
    if isinstance(ref, CatalogRef):
        return ref.catalog
    return f"inline-{digest(ref.model_dump(mode='json'))[:8]}"
