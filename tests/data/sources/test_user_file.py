from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.dataset import Dataset
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.schema.suite.data_refs import FileRef
from harness.storage.store import Store

ROWS = "".join(
    f"a text number {number},{number % 3 + 1},doc{number // 4},{'web' if number % 2 else 'mail'}\n"
    for number in range(120)
)
CSV = "body,stars,document,channel\n" + ROWS


def opened(tmp_path: Path, text: str | bytes, name: str = "mine.csv", **ref: Any) -> Dataset:
    content = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(content)
    found = FileRef.model_validate({"file": name, **ref})
    return open_dataset(found, name="mine", base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())


def test_columns_clusters_and_slices(tmp_path: Path) -> None:
    data = opened(
        tmp_path, CSV, columns={"text": "body", "label": "stars"}, cluster="document", slices=["channel"], license="MIT"
    )
    assert data.name == "mine"
    assert data.columns == ("text", "label")
    assert data.labels == {"label": ("1", "2", "3")}
    assert sum(data.facts["rows"].values()) == 120
    assert data.facts["license"] == "MIT"
    row = data.split("train")[0]
    assert row.cluster.startswith("cluster/doc")
    assert row.slices[0] in {"channel=web", "channel=mail"}
    splits_of: dict[str, set[str]] = {}
    for split, rows in data.rows.items():
        for row in rows:
            splits_of.setdefault(row.cluster, set()).add(split)
    assert all(len(found) == 1 for found in splits_of.values())


def test_path_and_name_are_no_part_of_identity(tmp_path: Path) -> None:
    columns = {"text": "body", "label": "stars"}
    one = opened(tmp_path, CSV, columns=columns)
    other = opened(tmp_path, CSV, name="renamed.csv", columns=columns)
    assert one.fingerprint == other.fingerprint
    assert opened(tmp_path, CSV + "more,1,doc1,web\n", columns=columns).fingerprint != one.fingerprint


def test_shares_and_split_columns(tmp_path: Path) -> None:
    data = opened(tmp_path, CSV, columns={"text": "body"}, splits={"test": 1.0})
    assert data.facts["rows"] == {"test": 120}
    text = "text,label,part\n" + "".join(f"row {n},{n % 2},{('train', 'dev', 'test')[n % 3]}\n" for n in range(9))
    data = opened(tmp_path, text, columns={"text": "text", "label": "label"}, splits="part")
    assert data.facts["rows"] == {"train": 3, "validation": 3, "test": 3}


def test_all_whole_columns_are_taken_when_none_is_named(tmp_path: Path) -> None:
    lines = (
        '{"text": "a", "n": 1, "deep": [1], "label": 0}\n'
        '{"text": "b", "n": 2.5, "deep": [], "label": 1, "extra": "x"}\n'
    )
    data = opened(tmp_path, lines, name="mine.jsonl")
    assert data.columns == ("text", "n", "label")
    assert data.facts["ignored_columns"] == ["deep", "extra"]
    assert data.labels == {"label": ("0", "1")}


def test_plain_texts(tmp_path: Path) -> None:
    data = opened(tmp_path, "one\n\ntwo\nthree\n", name="prose.txt", splits={"test": 1.0})
    assert [row.fields["text"] for row in data.split("test")] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("text", "ref", "where", "words"),
    [
        (CSV, {"columns": {"text": "bodi"}}, "mine.csv:2", "Did you mean 'body'"),
        (CSV, {"columns": {"text": "body"}, "cluster": "documnt"}, "mine.csv:2", "Did you mean 'document'"),
        ("text,label\na,\nb,\n", {}, "mine.csv:2", "has no value in any row"),
        ("text,label,author\na,1,\nb,2,x\n", {"cluster": "author"}, "mine.csv:2", "missing_cluster: own"),
        ("text;label\na;1\nb;2;3\n", {"delimiter": ";"}, "mine.csv:3", "expected 2 fields"),
        ("a;b,c\nd;e,f\n", {}, "mine.csv:1", "commas between cells (columns a;b, c) or with semicolons"),
        ("text,label\na,1\nb,1\n", {}, "mine.csv", "at least two labels"),
        ("text,label\n", {}, "mine.csv", "expected rows, found none"),
        ("text,label\n ,1\n  ,2\n", {}, "mine.csv", "2 are empty"),
        ("", {}, "mine.csv", "is empty"),
        ("text,part\na,train\nb,tset\n", {"splits": "part"}, "mine.csv:3", "Did you mean 'test'"),
        (CSV, {"splits": {"train": 0.5}}, "mine.csv", "must sum to 1"),
        (b"text\ncaf\xe9\n", {"encoding": "utf-8"}, "mine.csv:2", "offset 8"),
        (b"text\ncaf\xe9\n", {"encoding": "utf_9"}, "mine.csv", "unknown encoding 'utf_9'"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, text: str | bytes, ref: dict[str, Any], where: str, words: str
) -> None:
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        opened(tmp_path, text, **ref)
    assert str(caught.value.where) == where


def test_a_column_of_texts_is_no_label(tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"a {n},unlike {n}\n" for n in range(300))
    with pytest.raises(DataError, match="300 different values"):
        opened(tmp_path, text)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text\na\n")
    ref = FileRef(file="review.csv")
    with pytest.raises(DataError, match=r"Did you mean 'reviews.csv'"):
        open_dataset(ref, name="mine", base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())
    with pytest.raises(DataError, match="found a folder"):
        open_dataset(FileRef(file="."), name="mine", base=tmp_path, store=Store(tmp_path / "c"), reporter=Silent())


def test_an_unknown_ending_asks_for_the_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the extension '\.dat'"):
        opened(tmp_path, CSV, name="mine.dat")
    assert opened(tmp_path, CSV, name="mine.dat", format="csv").columns == ("body", "stars", "document", "channel")


def test_equal_rows_get_ids_of_their_own(tmp_path: Path) -> None:
    data = opened(tmp_path, "text,label\nsame,1\nsame,1\nother,2\n", splits={"test": 1.0})
    assert len({row.id for row in data.split("test")}) == 3


def test_a_limit_is_nested_and_keeps_the_order(tmp_path: Path) -> None:
    whole = opened(tmp_path, CSV, columns={"text": "body"}, splits={"test": 1.0})
    order = [row.id for row in whole.split("test")]
    small = [
        row.id for row in opened(tmp_path, CSV, columns={"text": "body"}, splits={"test": 1.0}, limit=10).split("test")
    ]
    large = [
        row.id for row in opened(tmp_path, CSV, columns={"text": "body"}, splits={"test": 1.0}, limit=30).split("test")
    ]
    assert len(small) == 10
    assert set(small) < set(large)
    assert small == [identity for identity in order if identity in small]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12), st.booleans()))
)
def test_any_rows_are_a_dataset_or_a_data_error(tmp_path: Path, rows: list[tuple[str, bool]]) -> None:
    import json

    text = "\n".join(json.dumps({"text": body, "label": label}) for body, label in rows)
    try:
        data = opened(tmp_path, text, name="any.jsonl")
    except DataError:
        return
    kept = sum(len(found) for found in data.rows.values())
    assert kept + sum(data.facts["dropped"].get(reason, 0) for reason in ("empty", "duplicates")) == len(rows)
    again = opened(tmp_path, text, name="any.jsonl")
    assert again == data
