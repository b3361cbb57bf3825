from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.core.errors import DataError
from harness.data.catalog import catalog_index
from harness.data.catalog.catalog_schema import CatalogEntry
from harness.data.sources.source_specs import ArtifactSource, GeneratedSource, MirrorSource, UrlSource

MINIMAL: dict[str, Any] = {
    "name": "mine",
    "title": "t",
    "what": "w",
    "license": "MIT",
    "citation": "c",
    "columns": {"text": {}},
    "parts": {"main": {}},
    "sources": [{"kind": "generated", "generator": "mine"}],
}


@pytest.mark.parametrize("name", catalog_index.names())
def test_every_entry_is_complete(name: str) -> None:
    entry = catalog_index.entry(name)
    assert entry.name == name
    for text in (entry.title, entry.what, entry.license, entry.citation):
        assert text.strip()
    assert entry.caveats, "every data set has limits worth a sentence"
    for source in entry.sources:
        if isinstance(source, UrlSource):
            assert all(re.search(r"/[0-9a-f]{40}/", member.path) for member in source.members.values())


def test_the_suites_names_are_there() -> None:
    wanted = {"vader-reviews", "vader-newspaper", "boolq-passages", "boolq", "chitchat", "own-pairs", "crows-pairs"}
    assert wanted <= set(catalog_index.names())
    assert catalog_index.entry("vader-reviews").labels == {"label": ["negative", "neutral", "positive"]}


def test_mirror_and_artifact_of_the_reviews_are_the_same_bytes() -> None:
    for name in ("vader-reviews", "vader-newspaper"):
        mirror, artifact = catalog_index.entry(name).sources
        assert isinstance(mirror, MirrorSource)
        assert isinstance(artifact, ArtifactSource)
        for part, member in mirror.members.items():
            assert artifact.members[part].sha256 == member.sha256


def test_passages_and_questions_share_their_parents() -> None:
    passages, questions = catalog_index.entry("boolq-passages"), catalog_index.entry("boolq")
    assert list(passages.parts) == list(questions.parts)
    assert passages.cluster == questions.cluster
    assert passages.shares == questions.shares


def test_our_own_data_is_generated() -> None:
    assert isinstance(catalog_index.entry("own-pairs").sources[0], GeneratedSource)
    assert catalog_index.entry("own-pairs").bytes == 0


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(DataError, match="Did you mean 'vader-reviews'"):
        catalog_index.entry("vader-review")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shares": {"train": 0.5}}, "sum to 1"),
        ({"shares": {"tests": 1.0}}, "may name"),
        ({"labels": {"label": ["a"]}}, "not a column"),
        ({"columns": {"text": {"band": [-1, 1]}}}, "three labels"),
        ({"color": "red"}, "Extra"),
        ({"sources": []}, "at least 1"),
        ({"sources": [{"kind": "mirror", "parser": "txt", "members": {}}]}, "must have the members"),
        (
            {
                "sources": [
                    {
                        "kind": "mirror",
                        "parser": "txt",
                        "members": {"main": {"path": "../x", "sha256": "0" * 64, "bytes": 1}},
                    }
                ]
            },
            "without '..'",
        ),
        (
            {
                "sources": [
                    {"kind": "mirror", "parser": "txt", "members": {"main": {"path": "x", "sha256": "0", "bytes": 1}}}
                ]
            },
            "64 lower-case",
        ),
        ({"sources": [{"kind": "hub", "dataset": "a/b", "revision": "main", "parts": {"main": "train"}}]}, "pattern"),
    ],
)
def test_a_wrong_entry_is_refused(change: dict[str, Any], words: str) -> None:
    CatalogEntry.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match=words):
        CatalogEntry.model_validate({**MINIMAL, **change})


def test_a_damaged_file_is_a_data_error_with_its_place(tmp_path: Path) -> None:
    for text in ("name: [", "just text", "name: other\n", "name: a\nname: b\n"):
        path = tmp_path / f"mine{len(text)}.yaml"
        path.write_text(text)
        with pytest.raises(DataError) as caught:
            catalog_index.read(path)
        assert str(caught.value.where) == str(path)


def test_what_decides_the_rows_decides_the_shape() -> None:
    entry = CatalogEntry.model_validate(MINIMAL)
    same = CatalogEntry.model_validate({**MINIMAL, "title": "another", "license": "other"})
    other = CatalogEntry.model_validate({**MINIMAL, "columns": {"text": {"unescape": True}}})
    assert entry.shape() == same.shape()
    assert entry.shape() != other.shape()
