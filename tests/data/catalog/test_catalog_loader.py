"""Entries of our own, opened from mirrors and local packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.core.digests import bytes_digest
from harness.core.errors import DataError, IncompleteError
from harness.core.reporter import Silent
from harness.data.catalog.catalog_loader import open_entry
from harness.data.catalog.catalog_schema import CatalogEntry
from harness.data.fetch_preview import preview_entry, verify
from harness.data.sources import pip_settings
from harness.storage.store import Store

TEXT = "".join(
    f"{number // 3}_{number % 3}\t{(number % 41 - 20) / 5}\tThing {number} &amp; more\r\n" for number in range(300)
).encode()


def entry(archive: bytes = b"none", **change: Any) -> CatalogEntry:
    facts = {"sha256": bytes_digest(TEXT), "bytes": len(TEXT)}
    reading = {"parser": "tsv", "options": {"header": ["id", "rating", "text"]}}
    mirror = {"kind": "mirror", **reading, "members": {"web": {"path": "rated/web.txt", **facts}}}
    artifact = {
        "kind": "artifact",
        "package": "rated-texts",
        "version": "2.0",
        "format": "wheel",
        "sha256": bytes_digest(archive),
        "bytes": len(archive),
        **reading,
        "members": {"web": {"path": "rated_texts/web.txt", **facts}},
    }
    return CatalogEntry.model_validate(
        {
            "name": "rated",
            "title": "t",
            "what": "w",
            "license": "MIT",
            "citation": "c",
            "columns": {
                "text": {"unescape": True},
                "opening": {"from": "text", "words": 2},
                "label": {"from": "rating", "band": [-0.5, 0.5]},
                "rating": {"type": "number"},
            },
            "labels": {"label": ["negative", "neutral", "positive"]},
            "slices": ["source"],
            "cluster": {"column": "id", "before": "_"},
            "duplicates": ["text"],
            "parts": {"web": {"constants": {"source": "web"}}},
            "sources": [mirror, artifact],
            **change,
        }
    )


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    (folder / "rated").mkdir(parents=True)
    (folder / "rated" / "web.txt").write_bytes(TEXT)
    monkeypatch.setenv("HARNESS_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_zip: Callable[[Mapping[str, bytes]], bytes]) -> bytes:
    content = make_zip({"rated_texts/web.txt": TEXT})
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "rated_texts-2.0-py3-none-any.whl").write_bytes(content)
    monkeypatch.setattr(pip_settings, "_config_list", lambda: "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return content


@pytest.mark.usefixtures("mirror")
def test_columns_labels_clusters_and_slices(store: Store, reporter: Silent) -> None:
    data = open_entry(entry(), store, reporter)
    assert data.columns == ("text", "opening", "label", "rating", "source")
    for rows in data.rows.values():
        for row in rows:
            rating = row.fields["rating"]
            expected = "negative" if rating < -0.5 else "positive" if rating > 0.5 else "neutral"
            assert row.fields["label"] == expected
            assert row.slices == ("source=web",)
            assert row.cluster.startswith("web/")
            assert "_" not in row.cluster
            assert " & more" in row.fields["text"]
            assert row.fields["opening"] == " ".join(row.fields["text"].split()[:2])
    assert sum(data.facts["clusters"].values()) == 100
    assert data.facts["source"] == "mirror (HARNESS_DATA_DIR)"
    assert data.facts["digests"] == {"web": bytes_digest(TEXT)}


def test_mirror_and_package_give_the_same_rows(
    tmp_path: Path, mirror: Path, package: bytes, reporter: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = open_entry(entry(package), Store(tmp_path / "one"), reporter)
    monkeypatch.delenv("HARNESS_DATA_DIR")
    other = open_entry(entry(package), Store(tmp_path / "other"), reporter)
    assert one.fingerprint == other.fingerprint
    assert one.rows == other.rows
    assert other.facts["source"] == "artifact rated-texts 2.0 (wheel)"


def test_a_second_opening_needs_no_source(
    store: Store, reporter: Silent, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_entry(entry(), store, reporter)
    monkeypatch.delenv("HARNESS_DATA_DIR")
    assert open_entry(entry(), store, reporter, offline=True) == first


def test_a_damaged_mirror_is_passed_over_with_a_warning(
    store: Store, reporter: Silent, mirror: Path, package: bytes
) -> None:
    (mirror / "rated" / "web.txt").write_bytes(TEXT.replace(b"Thing", b"thing"))
    data = open_entry(entry(package), store, reporter)
    assert data.facts["source"].startswith("artifact")
    assert len(reporter.warnings) == 1
    assert "skipping" in reporter.warnings[0]


def test_only_damaged_copies_are_a_data_error(store: Store, reporter: Silent, mirror: Path) -> None:
    (mirror / "rated" / "web.txt").write_bytes(TEXT.replace(b"Thing", b"thing"))
    own = entry()
    own = own.model_copy(update={"sources": own.sources[:1]})
    with pytest.raises(DataError, match="do not match the digests in the catalog") as caught:
        open_entry(own, store, reporter)
    assert "SHA-256" in str(caught.value)
    assert not (store.root / "data").exists()


@pytest.mark.usefixtures("package")
def test_no_source_at_all_is_incomplete_and_lists_each(store: Store, reporter: Silent) -> None:
    with pytest.raises(IncompleteError) as caught:
        open_entry(entry(), store, reporter, offline=True)
    text = str(caught.value)
    assert "- mirror (HARNESS_DATA_DIR): HARNESS_DATA_DIR is not set" in text
    assert "- artifact rated-texts 2.0 (wheel): not in the cache" in text
    assert "harness data fetch rated" in text


def test_a_damaged_cache_entry_is_made_again(store: Store, reporter: Silent, mirror: Path) -> None:
    first = open_entry(entry(), store, reporter)
    [file] = (store.root / "data").rglob("rows.parquet")
    file.write_bytes(file.read_bytes()[:-9] + b"something")
    again = open_entry(entry(), Store(store.root, reporter=reporter), reporter)
    assert again.rows == first.rows
    assert "damaged" in reporter.warnings[0]


def test_a_label_that_is_not_known_is_named_with_its_line(store: Store, reporter: Silent, mirror: Path) -> None:
    own = entry(
        columns={"text": {}, "label": {"from": "rating", "map": {"-4": "low"}}}, labels={"label": ["low", "high"]}
    )
    with pytest.raises(DataError, match=r"unknown value '-4\.0'") as caught:
        open_entry(own, store, reporter)
    assert str(caught.value.where) == "rated: rated/web.txt:1"


def test_preview_never_fetches(store: Store, reporter: Silent, package: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    own = entry(package)
    before = preview_entry(own, store)
    assert (before.cached, before.bytes_to_fetch, before.rows) == (False, len(package), None)
    assert before.artifact == bytes_digest(package)
    assert not store.root.exists()
    open_entry(own, store, reporter)
    after = preview_entry(own, store)
    assert (after.cached, after.bytes_to_fetch) == (True, 0)
    assert after.rows is not None


def test_preview_sees_the_mirror(store: Store, mirror: Path) -> None:
    found = preview_entry(entry(), store)
    assert (found.cached, found.bytes_to_fetch, found.source) == (True, 0, "mirror (HARNESS_DATA_DIR)")


def test_verify_says_the_state_of_every_copy(store: Store, reporter: Silent, mirror: Path, package: bytes) -> None:
    own = entry(package)
    assert [result.state for result in verify(own, store)] == ["ok", "absent", "absent"]
    open_entry(own, store, reporter)
    (mirror / "rated" / "web.txt").write_bytes(b"x" * len(TEXT))
    assert [result.state for result in verify(own, store)] == ["damaged", "absent", "ok"]
    other = Store(store.root.parent / "second")
    open_entry(own, other, reporter)
    assert [result.state for result in verify(own, other)] == ["damaged", "ok", "ok"]
