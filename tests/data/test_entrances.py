"""The same awkward files through every entrance: one outcome each, held in the table of docs/data.md.

`HARNESS_WRITE_TABLES=1` writes the table anew.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness_support.awkward_files import FILES, LOGS, document

import harness
from harness.commands.data import open_file
from harness.commands.imported_runs.import_lm_eval import read_task
from harness.commands.new_suites import auto_suite
from harness.commands.new_suites.described_data import describe_data
from harness.commands.new_suites.init_suite import initial_suite
from harness.core.dataset import Dataset
from harness.core.errors import DataError
from harness.core.reporter import Silent
from harness.data.data_audit import audit, read_groups
from harness.data.open_dataset import open_dataset
from harness.data.read_rows import content_of
from harness.evaluations.lm_eval.samples import read_samples
from harness.importers.answer_table import TableImporter
from harness.schema.suite.data_refs import FileRef
from harness.storage import memory_room
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
BEGIN, END = "<!-- awkward files -->\n", "<!-- end of awkward files -->\n"
NOTES = {
    r"read as (\S+), guessed": r"guessed \1",
    r"read with (\w+) between cells": r"guessed \1",
    r"(\d+) rows? ha\w+ no (?:label|target)": r"\1 row left out",
    r"is spelled": r"spellings joined",
    r"differ only in case": r"spellings differ",
    r"mix truth values": r"truth values and numbers",
    r"(\d+) cells? held half": r"halves replaced",
    r"texts held half": r"halves replaced",
    r"(\d+) samples? fails?:": r"\1 document failed",
    r"(\d+) lines? \w+ no samples?": r"\1 line left out",
}


def outcome(rows: int, labels: Iterable[str], notes: Iterable[str]) -> str:
    """What was read, as a cell of the table."""
    told = {
        found.expand(short) for note in notes for pattern, short in NOTES.items() if (found := re.search(pattern, note))
    }
    return "; ".join([f"{rows} rows, labels {' '.join(f'`{label}`' for label in sorted(labels))}", *sorted(told)])


def refused(error: DataError) -> str:
    place = "" if error.where is None or error.where.line is None else f" (line {error.where.line})"
    message = error.message.removeprefix("base: ").removesuffix(".")
    return f"refused{place}: {message if len(message) <= 90 else message[:89] + '…'}"


def read(data: Dataset, warnings: Iterable[str]) -> str:
    return outcome(sum(map(len, data.rows.values())), data.labels["label"], warnings)


def opened(ref: FileRef, folder: Path, notes: Iterable[str] = ()) -> str:
    reporter = Silent()
    data = open_dataset(ref, name="d", base=folder, store=Store(folder / "cache"), reporter=reporter)
    return read(data, [*reporter.warnings, *notes])


def by_suite(file: Path) -> str:
    columns = {"text": "text", "label": "label"}
    return opened(FileRef(file=file.name, columns=columns, splits={"test": 1.0}), file.parent)


def by_init(file: Path) -> str:
    """The suite that init writes for the file, opened; what init guessed stands in the suite."""
    target = file.parent / "init.yaml"
    described = describe_data(file, {}, text="text", label="label")
    target.write_text(initial_suite(target, [described]).text, "utf-8")
    ref = load_suite(str(target)).data[described.name]
    assert isinstance(ref, FileRef)
    return opened(ref.model_copy(update={"splits": {"test": 1.0}}), file.parent, described.notes)


def by_audit(file: Path) -> str:
    ref = auto_suite.audit_suite("base", "tuned", task=auto_suite.TaskData(file)).data["task"]
    assert isinstance(ref, FileRef)
    return opened(ref, file.parent)


def by_data_audit(file: Path) -> str:
    """Rows without a label are counted, not left out."""
    reporter = Silent()
    result = audit(open_file(file, reporter), "test", label="label")
    known = {row["label"] for row in result.model_dump()["labels"]}
    missing = result.quality["missing_labels"]
    notes = [f"{missing} rows have no label"] * bool(missing)
    return outcome(result.texts - missing, known, [*reporter.warnings, *notes])


def by_compare(file: Path) -> str:
    found = harness.compare(file, file, ["accuracy"], target="label", text="text")
    return outcome(len(found.base_records), set(found.base_records.texts("target")), found.notes)


def by_importer(file: Path) -> str:
    """The log of the same rows."""
    if file.name not in LOGS:
        return NO_SUCH_CELLS
    log = file.with_name(f"samples_{file.stem}.jsonl")
    log.write_bytes(LOGS[file.name])
    task = read_task({"base": log, "tuned": log}, "task", None)
    targets = [answered.item.target or "" for answered in task.answered["base"]]
    return outcome(len(targets), set(targets), task.notes)


def by_table(file: Path) -> str:
    """The labels as targets and answers."""
    (log,) = TableImporter().read(file, {"id": "id", "target": "label", "answer": "prediction"})
    (evaluation,) = log.evaluations.values()
    return outcome(
        len(evaluation.answers), {target for each in evaluation.answers for target in each.targets}, evaluation.notes
    )


NO_SUCH_CELLS = "no such cells"
ONE_DOCUMENT_LESS = ("twice.jsonl", "deep.jsonl")
ENTRANCES: dict[str, Callable[[Path], str]] = {
    "suite": by_suite,
    "`init`": by_init,
    "`audit`": by_audit,
    "`data audit`": by_data_audit,
    "`harness.compare`": by_compare,
    "`import lm-eval`": by_importer,
    "`import table`": by_table,
}


def outcomes(file: Path) -> dict[str, str]:
    made = {}
    for name, entrance in ENTRANCES.items():
        try:
            made[name] = entrance(file)
        except DataError as error:
            made[name] = refused(error)
    return made


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """File → entrance → outcome."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto_suite, "_language_model", lambda name: None)
        patch.setattr(auto_suite, "_stands_on", lambda base, finetuned: False)
        made = {}
        for name, (_, content) in FILES.items():
            (folder / name).write_bytes(content)
            made[name] = outcomes(folder / name)
        return made


@pytest.mark.parametrize("name", FILES)
def test_every_entrance_reads_a_file_alike(name: str, table: dict[str, dict[str, str]]) -> None:
    *files, log, answers = table[name].values()
    assert len(set(files)) == 1, table[name]
    assert _anywhere(answers) == _anywhere(files[0]), table[name]
    if log != NO_SUCH_CELLS and name not in ONE_DOCUMENT_LESS:
        assert _anywhere(log) == _anywhere(files[0]), table[name]


def _anywhere(outcome: str) -> str:
    """An outcome without places and excerpts, and without notes on spellings: a log's are as lm-eval compared them."""
    noted = r"; (spelling|truth|guessed semicolons)[a-z ]*|\d+ (row left out|document failed)"
    return re.sub(rf"{noted}|line \d+|offset \d+|\(.*", "", outcome)


def test_a_bad_line_of_a_log_is_one_document_less(table: dict[str, dict[str, str]]) -> None:
    """A data file with such a line is refused: there the line may be any number of rows."""
    for name in ONE_DOCUMENT_LESS:
        assert table[name]["`import lm-eval`"] == "2 rows, labels `a` `b`; 1 line left out"


def test_the_page_holds_the_table(table: dict[str, dict[str, str]]) -> None:
    lines = [f"| file | {' | '.join(ENTRANCES)} |", f"|---|{'---|' * len(ENTRANCES)}"]
    for name, (about, _) in FILES.items():
        first, *others = table[name].values()
        cells = [first, *("the same" if other == first else other for other in others)]
        lines.append(f"| `{name}`: {about} | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    made = "\n".join(lines) + "\n"
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    held, _, after = rest.partition(END)
    if os.environ.get("HARNESS_WRITE_TABLES"):
        PAGE.write_text(before + BEGIN + made + END + after, "utf-8")
    else:
        assert held == made, "write the table anew with HARNESS_WRITE_TABLES=1"


@pytest.mark.parametrize("cut", [0, 8])
def test_a_gzip_file_of_several_members_is_one_file_and_half_of_one_is_damaged(cut: int, tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n")
    path = tmp_path / "t.csv.gz"
    path.write_bytes(packed[: len(packed) - cut])
    if not cut:
        assert content_of(path) == b"a,b\n1,2\n"
        return
    with pytest.raises(DataError, match="the gzip file is damaged: it ends too early"):
        content_of(path)


def test_a_file_that_unpacks_to_more_than_the_free_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a" * 2_000_000))
    monkeypatch.setattr(memory_room, "available", lambda: 1_000_000)
    with pytest.raises(DataError, match="the unpacked file has at least"):
        content_of(path)


def log_line(number: int, text: str = "très bien", **changes: object) -> bytes:
    """A document whose answer is right."""
    return document(number, text, text, text, **changes)


SOUND = log_line(0) + log_line(1) + log_line(2)
HALF = SOUND + log_line(3).replace("très bien".encode(), rb"nice \ud83d")
BAD_LINES: dict[str, tuple[bytes, int, str]] = {
    "plain": (SOUND, 3, ""),
    "mark": (SOUND.decode().encode("utf-8-sig"), 3, ""),
    "wide": (SOUND.decode().encode("utf-16"), 3, ""),
    "unmarked": (SOUND.decode().encode("utf-16-le"), 3, "read as utf-16-le, guessed"),
    "latin": (SOUND.decode().encode("latin-1"), 3, "read as cp1252, guessed"),
    "returns": (SOUND.replace(b"\n", b"\r\n"), 3, ""),
    "blank lines": (SOUND.replace(b"\n", b"\n\n"), 3, ""),
    "long": (SOUND + log_line(3, "Rien " * 60_000), 4, ""),
    "separators in texts": (SOUND + log_line(3, "a\u2028b\x85c"), 4, ""),
    "cut": (HALF, 4, "half of a surrogate pair"),
    "twice": (SOUND + log_line(3).replace(b'"filter"', b'"target": "a", "filter"'), 3, "occurs twice"),
    "deep": (SOUND + b"[" * 100_000 + b"\n", 3, "nested too deeply"),
    "list": (SOUND + b"[1]\n", 3, "not an object"),
    "no number": (SOUND + log_line(3, exact_match=None), 3, "'exact_match' is missing"),
    "damaged": (SOUND.replace("très".encode(), b"tr\xffs", 1), 0, "expected UTF-8, found the byte 0xff"),
    "binary": (SOUND.replace(b"bien", b"bi\0en", 1), 0, "found a null byte"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_logs_are_read_by_the_same_rules(name: str, tmp_path: Path) -> None:
    """What a data file of the same bytes is refused for, a log is refused for; one bad line is one document less."""
    content, documents, said = BAD_LINES[name]
    file = tmp_path / "samples_a.jsonl"
    file.write_bytes(content)
    if not documents:
        with pytest.raises(DataError, match=said):
            read_samples(file)
        return
    log = read_samples(file)
    assert len(log.answered) == documents
    assert said in " ".join(log.notes)
    assert bool(log.notes) == bool(said)
    assert {answer.item.texts["text"] for answer in log.answered} >= {"très bien"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lists_of_words_are_read_by_the_same_rules(encoding: str, delimiter: str, tmp_path: Path) -> None:
    file = tmp_path / ("words.tsv" if delimiter == "\t" else "words.csv")
    rows = [("group", "word"), ("élèves", "garçon"), ("élèves", "fille"), ("adultes", "père")]
    file.write_bytes("".join(f"{delimiter.join(row)}\r\n" for row in rows).encode(encoding))
    assert read_groups(file).words == {"élèves": ("garçon", "fille"), "adultes": ("père",)}


def test_rows_without_a_cluster_are_an_error_or_one_each(tmp_path: Path) -> None:
    """Both entrances that know clusters: five rows, of which two have no cluster and two share one."""
    rows = [("1", "a b", "x", "c1"), ("2", "c d", "y", "c1"), ("3", "e f", "x", ""), ("4", "g h", "y", "")]
    rows.append(("5", "i j", "x", "c2"))
    text = "id,text,label,group,prediction\n" + "".join(f"{','.join(row)},{row[2]}\n" for row in rows)
    file = tmp_path / "rows.csv"
    file.write_text(text)

    def suite_clusters(**options: str) -> list[str]:
        ref = FileRef.model_validate({"file": "rows.csv", "cluster": "group", "splits": {"test": 1.0}, **options})
        store = Store(tmp_path / "cache")
        data = open_dataset(ref, name="d", base=tmp_path, store=store, reporter=Silent())
        return [row.cluster for row in data.rows["test"]]

    with pytest.raises(DataError, match=r"column 'group' has no value.*") as refused_by_suite:
        suite_clusters()
    assert refused_by_suite.value.where is not None
    assert refused_by_suite.value.where.line == 4
    clusters = suite_clusters(missing_cluster="own")
    assert len(clusters) == 5
    assert len(set(clusters)) == 4

    def compared(**options: str) -> list[str]:
        found = harness.compare(file, file, ["accuracy"], target="label", cluster="group", held_out=True, **options)
        return found.base_records.clusters("parent")

    with pytest.raises(DataError, match="missing_cluster='own'"):
        compared()
    assert len(set(compared(missing_cluster="own"))) == 4


@pytest.mark.parametrize("role", ["id", "cluster", "slices"])
def test_dates_are_ids_clusters_and_slices_and_lists_are_none(role: str, tmp_path: Path) -> None:
    """Parquet types its cells; suites and `harness.compare` read them alike."""
    labels, days = ["a", "b", "a"], [date(2024, 1, day) for day in (1, 2, 3)]
    shown = {"text": ["t 1", "t 2", "t 3"], "label": labels, "prediction": labels}
    for name, cells in {"days": days, "lists": [["p", "q"], ["r"], ["s"]]}.items():
        pq.write_table(pa.table({"id": [1, 2, 3], **shown, "role": cells}), tmp_path / f"{name}.parquet")

    def read_by_suite(name: str) -> list[str]:
        options = {role: ["role"] if role == "slices" else "role", "splits": {"test": 1.0}}
        ref = FileRef.model_validate({"file": f"{name}.parquet", **options})
        store = Store(tmp_path / "cache")
        data = open_dataset(ref, name="d", base=tmp_path, store=store, reporter=Silent())
        return sorted(value for row in data.rows["test"] for value in row.slices)

    def compared(name: str) -> harness.Comparisons:
        file = tmp_path / f"{name}.parquet"
        return harness.compare(file, file, ["accuracy"], target="label", held_out=True, **{role: "role"})

    slices = [f"role={day}" for day in days] if role == "slices" else []
    assert read_by_suite("days") == slices
    assert len(compared("days").base_records) == 3
    for read in (read_by_suite, compared):
        with pytest.raises(DataError, match=r"column 'role': expected a text or number as \w+, found a list \(3 of 3"):
            read("lists")


def test_a_missing_column_of_targets_is_named_and_not_its_metric(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,Label,prediction\n1,a,a\n2,b,b\n")
    with pytest.raises(DataError, match=r"unknown column 'label'. Did you mean 'Label'\?"):
        harness.compare(file, file, ["accuracy"], target="label", held_out=True)
    with pytest.raises(DataError, match="the metric 'accuracy' needs a target and a prediction"):
        harness.compare(file, file, ["accuracy"], held_out=True)
