from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.data.sources.archives import read_members
from harness.data.sources.source_error import SourceFailed
from harness.data.sources.source_specs import checked_member

Make = Callable[[Mapping[str, bytes]], bytes]


def test_members_of_wheels_source_archives_and_archives_inside(tmp_path: Path, make_zip: Make, make_tar: Make) -> None:
    inner = make_tar({"data/a.txt": b"inner text"})
    for make in (make_zip, make_tar):
        path = tmp_path / "archive"
        path.write_bytes(make({"pkg/x.txt": b"outer", "pkg/inner.tar.gz": inner, "other": b"unread"}))
        found = read_members(path, {"pkg/x.txt": 5, "pkg/inner.tar.gz!data/a.txt": 10})
        assert found == {"pkg/x.txt": b"outer", "pkg/inner.tar.gz!data/a.txt": b"inner text"}


def test_a_member_that_unfolds_to_more_than_pinned_is_not_read(make_zip: Make, make_tar: Make) -> None:
    for make in (make_zip, make_tar):
        with pytest.raises(SourceFailed, match="more than 10 bytes") as caught:
            read_members(make({"bomb": b"\0" * 5_000_000}), {"bomb": 10})
        assert caught.value.damaged


def test_a_member_with_fewer_bytes_is_refused(make_zip: Make) -> None:
    with pytest.raises(SourceFailed, match="expected 10"):
        read_members(make_zip({"a": b"123"}), {"a": 10})


def test_missing_and_doubled_members_are_refused(make_tar: Make) -> None:
    with pytest.raises(SourceFailed, match="not in the archive"):
        read_members(make_tar({"a": b"1"}), {"b": 1})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(SourceFailed, match="2 times"):
        read_members(out.getvalue(), {"a": 1})


def test_links_in_a_tar_are_not_followed() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("a")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(SourceFailed, match="not a regular file"):
        read_members(out.getvalue(), {"a": 1})


def test_names_that_climb_are_never_paths(tmp_path: Path, make_tar: Make) -> None:
    archive = make_tar({"../../escape": b"evil", "good": b"fine"})
    assert read_members(archive, {"good": 4}) == {"good": b"fine"}
    assert not (tmp_path.parent / "escape").exists()
    for name in ("../x", "/x", "a/../../x", "c:x", "a\\b", "", "a!", "a!/x", "a!../x"):
        with pytest.raises(ValueError):
            checked_member(name)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x1f\x8b broken", b"plain text that is no archive"])
def test_a_damaged_archive_is_a_failure_of_the_source(content: bytes) -> None:
    with pytest.raises(SourceFailed, match="corrupt") as caught:
        read_members(content, {"a": 1})
    assert caught.value.damaged


def test_a_truncated_archive_is_a_failure_of_the_source(make_tar: Make, make_zip: Make) -> None:
    for make in (make_tar, make_zip):
        whole = make({"a": bytes(range(256)) * 40})
        with pytest.raises(SourceFailed):
            read_members(whole[: len(whole) // 2], {"a": 256 * 40})
