"""A local index in a temporary folder, served to unearth through pip's settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.core.digests import bytes_digest
from harness.core.reporter import Silent
from harness.data.sources import package_artifact, pip_settings
from harness.data.sources.source_error import SourceFailed
from harness.data.sources.source_specs import ArtifactSource
from harness.storage.store import Store

Make = Callable[[Mapping[str, bytes]], bytes]
TEXT = b"1\t0.9\tA fine day\n"


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "links"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pip_settings, "_config_list", lambda: "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def sdist(links: Path, make_tar: Make) -> bytes:
    inner = make_tar({"inner/rated.txt": TEXT})
    setup = b"raise SystemExit('built')"
    content = make_tar({"own_pkg-1.2/setup.py": setup, "own_pkg-1.2/extra/inner.tar.gz": inner})
    (links / "own_pkg-1.2.tar.gz").write_bytes(content)
    return content


def source(
    archive: bytes, path: str = "own_pkg-1.2/extra/inner.tar.gz!inner/rated.txt", **other: object
) -> ArtifactSource:
    member = {"path": path, "sha256": bytes_digest(TEXT), "bytes": len(TEXT)}
    return ArtifactSource.model_validate(
        {
            "kind": "artifact",
            "package": "own-pkg",
            "version": "1.2",
            "format": "sdist",
            "sha256": bytes_digest(archive),
            "bytes": len(archive),
            "parser": "tsv",
            "members": {"main": member},
            **other,
        }
    )


def test_a_member_of_an_inner_archive_comes_through_the_index(sdist: bytes, store: Store, reporter: Silent) -> None:
    assert package_artifact.read(source(sdist), store, reporter, offline=False) == {"main": TEXT}


def test_it_is_fetched_once_and_then_works_offline(sdist: bytes, links: Path, store: Store, reporter: Silent) -> None:
    wanted = source(sdist)
    with pytest.raises(SourceFailed, match="offline"):
        package_artifact.read(wanted, store, reporter, offline=True)
    package_artifact.read(wanted, store, reporter, offline=False)
    (links / "own_pkg-1.2.tar.gz").unlink()
    assert package_artifact.read(wanted, store, reporter, offline=True) == {"main": TEXT}


def test_the_package_is_neither_built_nor_imported_nor_unpacked(sdist: bytes, store: Store, reporter: Silent) -> None:
    package_artifact.read(source(sdist), store, reporter, offline=False)
    assert "own_pkg" not in sys.modules
    kept = {path.name for path in (store.root / "artifacts").rglob("*") if path.is_file()}
    assert kept == {"archive", "manifest.json"}


def test_a_wheel_is_told_from_a_source_archive(sdist: bytes, links: Path, store: Store, make_zip: Make) -> None:
    wheel = make_zip({"own_pkg/rated.txt": TEXT})
    (links / "own_pkg-1.2-py3-none-any.whl").write_bytes(wheel)
    wanted = source(wheel, "own_pkg/rated.txt", format="wheel")
    assert package_artifact.read(wanted, store, Silent(), offline=False) == {"main": TEXT}
    assert package_artifact.read(source(sdist), store, Silent(), offline=False) == {"main": TEXT}


def test_wheels_for_other_platforms_are_found_too(links: Path, store: Store, make_zip: Make) -> None:
    wheel = make_zip({"own_pkg/rated.txt": TEXT})
    (links / "own_pkg-1.2-cp38-cp38-win32.whl").write_bytes(wheel)
    wanted = source(wheel, "own_pkg/rated.txt", format="wheel")
    assert package_artifact.read(wanted, store, Silent(), offline=False) == {"main": TEXT}


def test_another_file_under_the_version_is_never_used(sdist: bytes, links: Path, store: Store, make_tar: Make) -> None:
    (links / "own_pkg-1.2.tar.gz").write_bytes(make_tar({"own_pkg-1.2/extra/inner.tar.gz": b"changed"}))
    with pytest.raises(SourceFailed) as caught:
        package_artifact.read(source(sdist), store, Silent(), offline=False)
    assert not (store.root / "artifacts").exists()
    assert caught.value.reason.startswith("own-pkg 1.2 from the package index")


def test_a_changed_member_is_never_used(sdist: bytes, store: Store, make_tar: Make) -> None:
    wanted = source(sdist)
    lying = wanted.model_copy(
        update={"members": {"main": wanted.members["main"].model_copy(update={"sha256": "0" * 64})}}
    )
    with pytest.raises(SourceFailed, match="expected 000000000000") as caught:
        package_artifact.read(lying, store, Silent(), offline=False)
    assert caught.value.damaged


def test_an_index_page_with_digests_is_used(
    sdist: bytes, links: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "simple" / "own-pkg" / "index.html"
    page.parent.mkdir(parents=True)
    address = (links / "own_pkg-1.2.tar.gz").as_uri()
    page.write_text(f'<a href="{address}#sha256={bytes_digest(sdist)}">own_pkg-1.2.tar.gz</a>')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    assert package_artifact.read(source(sdist), store, Silent(), offline=False) == {"main": TEXT}


def test_an_index_that_names_another_digest_is_a_damaged_source(
    sdist: bytes, links: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = links / "page.html"
    page.write_text(f'<a href="https://host.test/own_pkg-1.2.tar.gz#sha256={"0" * 64}">own_pkg-1.2.tar.gz</a>')
    monkeypatch.setenv("PIP_FIND_LINKS", str(page))
    with pytest.raises(SourceFailed, match="a different file for this version") as caught:
        package_artifact.read(source(sdist), store, Silent(), offline=False)
    assert caught.value.damaged


def test_nothing_to_look_in_is_said(links: Path, store: Store, monkeypatch: pytest.MonkeyPatch, sdist: bytes) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(SourceFailed, match="no index and no package folder"):
        package_artifact.read(source(sdist), store, Silent(), offline=False)
