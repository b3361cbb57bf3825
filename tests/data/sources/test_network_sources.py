"""The real artifacts, through the package index that pip is set up for."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from harness.core.dataset import Dataset
from harness.core.reporter import Silent
from harness.data.catalog import catalog_index
from harness.data.open_dataset import open_dataset
from harness.data.overlap import overlap
from harness.data.sources.source_specs import ArtifactSource
from harness.data.splits import normalized
from harness.schema.suite.data_refs import CatalogRef
from harness.storage.store import Store

pytestmark = pytest.mark.network

MIRROR = os.environ.get("HARNESS_DATA_DIR")
ARTIFACTS = [
    name
    for name in catalog_index.names()
    if any(isinstance(source, ArtifactSource) for source in catalog_index.entry(name).sources)
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def opened(name: str, cache: Path) -> Dataset:
    return open_dataset(CatalogRef(catalog=name), name=name, base=cache, store=Store(cache), reporter=Silent())


@pytest.mark.parametrize("name", ARTIFACTS)
def test_the_artifact_gives_the_rows_that_the_catalog_names(name: str, shared: Path) -> None:
    data = opened(name, shared)
    assert data.facts["source"].startswith(("artifact", "url"))
    assert sum(data.facts["rows"].values()) == catalog_index.entry(name).rows
    assert all(str(row.fields[data.columns[0]]).strip() for rows in data.rows.values() for row in rows)


def test_mirror_and_artifact_give_identical_reviews(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if MIRROR is None:
        assert opened("vader-reviews", shared).facts["source"].startswith("artifact")
        return
    artifact = opened("vader-reviews", shared)
    monkeypatch.setenv("HARNESS_DATA_DIR", MIRROR)
    mirror = opened("vader-reviews", tmp_path)
    assert mirror.facts["source"].startswith("mirror")
    assert mirror.rows == artifact.rows
    assert mirror.fingerprint == artifact.fingerprint


def test_no_text_crosses_the_splits_of_the_reviews(shared: Path) -> None:
    data = opened("vader-reviews", shared)
    texts = {split: {normalized(str(row.fields["text"])) for row in rows} for split, rows in data.rows.items()}
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert Counter(row.slices for row in data.split("test")).keys() == {
        ("source=movie",),
        ("source=amazon",),
        ("source=tweets",),
    }


def test_articles_of_passages_and_questions_are_on_the_same_side(shared: Path) -> None:
    passages, questions = opened("boolq-passages", shared), opened("boolq", shared)
    held_out = {row.cluster for row in questions.split("test")}
    assert not held_out & {row.cluster for row in passages.split("train")}


def test_the_prose_holds_none_of_the_reviews(shared: Path) -> None:
    reviews = [(row.id, str(row.fields["text"])) for row in opened("vader-reviews", shared).split("test")]
    report = overlap(opened("boolq-passages", shared).texts("train", "text"), reviews)
    assert len(report.normalized) == 0
