"""Rows from outside: packages' sources, generators, the hub."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harness.core import registry
from harness.core.dataset import Dataset
from harness.core.errors import DataError, IncompleteError, SuiteError
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.data.sources import generated
from harness.data.sources import hub_dataset as hub_source
from harness.schema.suite.data_refs import HubRef, SourceRef
from harness.storage.store import Store

COMMIT = "0123456789" * 4


def rows_of(options: dict[str, Any], base: Path) -> Iterator[Mapping[str, Any]]:
    for number in range(options["n"]):
        yield {
            "id": number,
            "cluster": f"c{number // 2}",
            "split": "test" if number < 4 else "train",
            "slices": [f"half={number % 2}"],
            "text": f"text {number}",
            "label": number % 2,
        }


def broken(options: dict[str, Any], base: Path) -> Iterator[Mapping[str, Any]]:
    yield {"text": "a"}
    raise KeyError("inside")


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"rows": rows_of, "broken": broken, "lists": lambda options, base: [[1]]}
    monkeypatch.setattr(registry, "load", lambda group, name, where=None: known[name])
    monkeypatch.setattr(registry, "origin", lambda group, name: "their-package")


def opened(ref: SourceRef | HubRef, tmp_path: Path, **other: Any) -> Dataset:
    return open_dataset(ref, name="theirs", base=tmp_path, store=Store(tmp_path / "c"), reporter=Silent(), **other)


@pytest.mark.usefixtures("source")
def test_an_outside_source_may_give_ids_clusters_splits_and_slices(tmp_path: Path) -> None:
    data = opened(SourceRef(source="rows", options={"n": 10}), tmp_path)
    assert data.facts["rows"] == {"train": 6, "test": 4}
    assert data.columns == ("text", "label")
    row = data.split("test")[1]
    assert (row.cluster, row.slices, row.fields["label"]) == ("cluster/c0", ("half=1",), "1")


@pytest.mark.usefixtures("source")
def test_what_an_outside_source_does_wrong_is_said_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'broken' \(package 'their-package'\) failed: KeyError\('inside'\)"):
        opened(SourceRef(source="broken"), tmp_path)
    with pytest.raises(DataError, match="expected a mapping, found a list"):
        opened(SourceRef(source="lists"), tmp_path)


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="unknown data source 'nowhere'"):
        opened(SourceRef(source="nowhere"), tmp_path)


def test_generators_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("harness.data.generators.counting")
    module.rows = lambda n=2: ({"text": f"text {i}"} for i in range(n))  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "harness.data.generators.counting", module)
    assert [raw.fields["text"] for raw in generated.read("counting", {"n": 3})] == ["text 0", "text 1", "text 2"]
    with pytest.raises(DataError, match="unexpected keyword"):
        list(generated.read("counting", {"m": 3}))
    with pytest.raises(DataError, match="unknown generator 'nothing'"):
        list(generated.read("nothing", {}))
    with pytest.raises(DataError, match="not a valid generator name"):
        list(generated.read("../x", {}))


class FakeSplit:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.features = {"sentence": SimpleNamespace(), "label": SimpleNamespace(names=["bad", "good"])}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def load_dataset(path: str, config: str | None, **options: Any) -> dict[str, FakeSplit]:
        calls.append((path, config, options))
        if path == "no/net":
            raise ConnectionError("offline")
        return {
            "train": FakeSplit([{"sentence": f"s {n}", "label": n % 2} for n in range(6)]),
            "dev": FakeSplit([{"sentence": f"v {n}", "label": n % 2} for n in range(2)]),
            "unsupervised": FakeSplit([{"sentence": "u", "label": -1}]),
        }

    module = ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "datasets", module)
    return calls


def test_the_hub_is_asked_at_the_commit_and_once(tmp_path: Path, hub: list[Any]) -> None:
    ref = HubRef(hub="owner/name", revision=COMMIT, columns={"text": "sentence", "label": "label"})
    data = opened(ref, tmp_path)
    assert hub == [("owner/name", None, {"revision": COMMIT})]
    assert data.labels == {"label": ("bad", "good")}
    assert data.facts["rows"] == {"train": 6, "validation": 2}
    assert opened(ref, tmp_path, offline=True) == data
    assert len(hub) == 1


def test_hub_splits_by_name_and_rows_without_label(tmp_path: Path, hub: list[Any]) -> None:
    columns = {"text": "sentence", "label": "label"}
    ref = HubRef(hub="owner/name", revision=COMMIT, columns=columns, splits={"train": "train", "test": "unsupervised"})
    data = opened(ref, tmp_path)
    assert data.facts["dropped"] == {"unlabeled": 1}
    with pytest.raises(DataError, match="unknown split 'tst'"):
        opened(HubRef(hub="owner/name", revision=COMMIT, splits={"test": "tst"}), tmp_path)


def test_moving_revisions_local_paths_and_no_network(tmp_path: Path, hub: list[Any]) -> None:
    with pytest.raises(DataError, match="commit of 40"):
        opened(HubRef(hub="owner/name", revision="main"), tmp_path)
    with pytest.raises(DataError, match="owner/name"):
        opened(HubRef(hub="/tmp/script.py", revision=COMMIT), tmp_path)
    with pytest.raises(IncompleteError, match="ConnectionError"):
        opened(HubRef(hub="no/net", revision=COMMIT), tmp_path)
    with pytest.raises(IncompleteError, match="offline"):
        opened(HubRef(hub="other/name", revision=COMMIT), tmp_path, offline=True)


def test_a_folder_is_not_read_in_place_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="a local folder with this name"):
        hub_source.check("owner/name", COMMIT)
    for name in ("./name", "../name", "name", "owner/..", "owner/name/more"):
        with pytest.raises(DataError, match="expected a hub dataset"):
            hub_source.check(name, COMMIT)
