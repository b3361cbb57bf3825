"""The generated entries of our own, opened like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.reporter import Silent
from harness.data.fetch_preview import preview
from harness.data.open_dataset import open_dataset
from harness.schema.suite.data_refs import CatalogRef, FileRef, HubRef, SourceRef
from harness.storage.store import Store


@pytest.mark.parametrize(
    ("name", "columns"),
    [("own-pairs", {"more", "less", "bias_type", "template"}), ("own-sentiment-templates", {"text", "label", "group"})],
)
def test_our_own_data_needs_no_source_and_is_the_same_every_time(
    name: str, columns: set[str], tmp_path: Path, store: Store, reporter: Silent
) -> None:
    ref = CatalogRef(catalog=name)
    data = open_dataset(ref, name="mine", base=tmp_path, store=store, reporter=reporter, offline=True)
    again = open_dataset(ref, name="mine", base=tmp_path, store=store, reporter=reporter, offline=True)
    assert data == again
    assert list(data.rows) == ["test"]
    assert columns <= set(data.columns)
    rows = data.split("test")
    assert len({row.id for row in rows}) == len(rows) > 100
    assert len({row.cluster for row in rows}) < len(rows)
    assert all(row.slices for row in rows)


def test_preview_of_every_kind_of_reference(tmp_path: Path, store: Store, reporter: Silent) -> None:
    (tmp_path / "mine.csv").write_text("text,label\na,1\nb,2\n")
    own = preview(CatalogRef(catalog="own-pairs"), name="pairs", base=tmp_path, store=store)
    assert (own.name, own.cached, own.bytes_to_fetch) == ("pairs", True, 0)
    ref = FileRef(file="mine.csv", splits={"test": 1.0}, license="MIT")
    assert preview(ref, name="mine", base=tmp_path, store=store).rows is None
    open_dataset(ref, name="mine", base=tmp_path, store=store, reporter=reporter)
    known = preview(ref, name="mine", base=tmp_path, store=store)
    assert (known.rows, known.source, known.license) == (2, "file mine.csv", "MIT")
    hub = preview(HubRef(hub="owner/name", revision="0" * 40), name="hub", base=tmp_path, store=store)
    assert (hub.cached, hub.bytes_to_fetch) == (False, None)
    other = preview(SourceRef(source="theirs"), name="other", base=tmp_path, store=store)
    assert other.source == "source theirs"
