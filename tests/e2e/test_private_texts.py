"""`--no-texts` and `texts: none | flips`: no artifact and no line of output holds a text of an item; figures stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from harness_support import model_zoo
from harness_support.page_reader import scripts, unpacked
from harness_support.release_desk import ReleaseDesk

from harness.core.records import Records
from harness.pipeline.private_messages import HIDDEN, PrivateWords
from harness.schema.results.results_file import HIDDEN_TEXT
from harness.storage.run_dir import RunDir

SUITE = """\
name: private
data:
  notes: {file: notes.csv, columns: {text: body, label: mood}, splits: fold, slices: [place], cluster: body}
  writing: {file: writing.csv, splits: {test: 1.0}}
  pairs: {file: pairs.csv, splits: {test: 1.0}}
models:
  base: {load: one}
  tuned: {load: two}
  words: {classical: {task: mood}}
  shown: {prompt: {from: base, task: mood, num_fewshot: 2}}
compare: {baseline: base, release: [tuned]}
tasks:
  mood:
    classification:
      data: notes
      cloze: {template: "{text} It was {mask}.", words: {good: [good], bad: [bad]}}
  prose: {language_modeling: {data: notes, text: text}}
  answers: {text_generation: {data: writing, prompt: "{prompt}", target: reference, max_tokens: 6}}
probes:
  swaps: {counterfactual: {on: mood, swap: [gender]}}
  couples: {minimal_pairs: {data: pairs}}
gates:
  - {id: kept, metric: mood.accuracy, kind: non_inferiority, margin: 0.3, min_n: 10}
  - {id: none, metric: mood.accuracy, kind: no_flips, severity: warn}
"""
PLANTED = "zqxplanted"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    desk = ReleaseDesk(tmp_path, capfd)
    model_zoo.language_model("gpt2", tmp_path / "one")
    model_zoo.language_model("gpt2", tmp_path / "two", seed=1)
    lines = ["body,mood,fold,place"]
    for number in range(48):
        mood, fold = ("good", "bad")[number % 2], ("train", "test")[number // 2 % 2]
        lines.append(f"He said {PLANTED}note{number} is {mood}.,{mood},{fold},{('north', 'south')[number % 3 > 0]}")
    (tmp_path / "notes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    rows = [f"Write {PLANTED}prompt{number}.,{PLANTED}reference{number} here." for number in range(12)]
    (tmp_path / "writing.csv").write_text("\n".join(["prompt,reference", *rows]) + "\n", "utf-8")
    pairs = [f"He has {PLANTED}pair{n}.,She has {PLANTED}pair{n}.,gender,t{n}" for n in range(12)]
    (tmp_path / "pairs.csv").write_text("\n".join(["more,less,bias_type,template", *pairs]) + "\n", "utf-8")
    (tmp_path / "private.yaml").write_text(SUITE, "utf-8")
    return desk


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield str(key)
            yield from strings_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings_in(entry)


def contents(folder: Path) -> dict[str, str]:
    """Every file of a run, Parquet and the packed parts of pages unpacked."""
    read: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            read[str(path)] = f"{table.schema.metadata} {table.to_pylist()}"
        else:
            text = path.read_text("utf-8")
            packed = [entry for entry in strings_in(list(scripts(text).values())) if entry.startswith("H4sI")]
            read[str(path)] = text + json.dumps([unpacked(entry) for entry in packed], ensure_ascii=False)
    return read


def written(run: RunDir) -> set[str]:
    """What the models wrote: every string of a response or an answer that is no label and no short word."""
    out: set[str] = set()
    for path in run.path.glob("records/*/*.parquet"):
        records: Records = run.read_records(path)
        for response in records.texts("response"):
            out |= set(strings_in(list(json.loads(response).values())))
        out |= {text for text in records.texts("prediction") if text}
    return {text for text in out if len(text) >= 6 and any(character.isalpha() for character in text)}


def test_no_artifact_and_no_output_holds_a_text(desk: ReleaseDesk) -> None:
    whole = desk.run("private.yaml")
    assert any(PLANTED in text for text in contents(whole.path).values())
    answers = written(whole)
    assert answers
    said = desk("run", "private.yaml", "--no-texts", "--json", "--ci", "github")
    private = RunDir(desk.folder / said.json["run_dir"])
    read = contents(private.path) | {"stdout": said.out, "stderr": said.err}
    shown = {path: text[max(0, text.find(PLANTED) - 700) :][:1000] for path, text in read.items() if PLANTED in text}
    assert not shown, shown
    assert {(path, text) for path, content in read.items() for text in answers if text in content} == set()
    assert private.read_results().texts == "none"
    assert private.read_info().overrides["texts"] == "none"
    # ids and figures remain
    before, after = whole.read_results(), private.read_results()
    for part in ("metrics", "comparisons", "flips", "tables", "gates"):
        assert getattr(before, part) == getattr(after, part), part
    for evaluation in before.evaluations:
        ids = [item.id for item in whole.read_items(evaluation.name)]
        assert [item.id for item in private.read_items(evaluation.name)] == ids
    # what later commands write and say holds none either
    for arguments in (("report",), ("gate", "--from-records", "--write"), ("explain", "kept", "--run")):
        again = desk(*arguments, private.path)
        assert PLANTED not in again.out + again.err
    assert {path for path, text in contents(private.path).items() if PLANTED in text} == set()


def test_flips_keep_the_texts_of_what_was_fixed_or_broken_alone(desk: ReleaseDesk) -> None:
    run = desk.run(
        desk.suite("mood.yaml", ("name: mood", "name: mood\ntexts: flips"), ("max_train_rows: 20", "max_train_rows: 4"))
    )
    base, tuned = run.records("mood", "small"), run.records("mood", "large")
    rows = zip(base.item_ids, base.stat("correct"), tuned.stat("correct"), strict=True)
    changed = {item for item, one, other in rows if one != other}
    items = run.read_items("mood")
    assert 0 < len(changed) < len(items)
    assert {item.id for item in items if item.texts["text"] != HIDDEN_TEXT} == changed


def test_what_is_no_mode_is_refused(desk: ReleaseDesk) -> None:
    (desk.folder / "private.yaml").write_text(f"texts: some\n{SUITE}", "utf-8")
    assert "1:8: expected all, flips, none, found the text 'some'." in desk("validate", "private.yaml").err


MALFORMED = {
    "conll": ("rows.conll", f"{PLANTED} only one column here\n", "token_classification: {data: rows}"),
    "choice": (
        "rows.jsonl",
        json.dumps({"question": "q", "choices": ["a", "b"], "answer": f"{PLANTED} answer"}) + "\n",
        "multiple_choice: {data: rows, question: question, choices: choices, answer: answer}",
    ),
    "label": (
        "rows.csv",
        f"text,label,fold\nfine,good,test\nbad,bad,test\nodd,{PLANTED} it's,test\n",
        "classification: {data: rows, labels: [good, bad]}",
    ),
    "answer": (
        "rows.jsonl",
        json.dumps({"question": "q", "context": "c", "answers": {"text": [f"{PLANTED} span"], "answer_start": [0]}})
        + "\n",
        "question_answering: {data: rows}",
    ),
    "conversation": (
        "rows.jsonl",
        json.dumps({"messages": f"{PLANTED} no messages", "target": "x"}) + "\n",
        "text_generation: {data: rows, messages: messages, target: target}",
    ),
}


@pytest.mark.parametrize("kind", sorted(MALFORMED))
@pytest.mark.parametrize("command", ["run", "validate", "plan", "train", "lock"])
def test_errors_about_malformed_rows_quote_none(kind: str, command: str, desk: ReleaseDesk) -> None:
    file, text, task = MALFORMED[kind]
    (desk.folder / file).write_text(text, "utf-8")
    model = "{heuristic: {task: t, rule: majority}}" if kind == "label" else "{load: one}"
    suite = (
        f"name: malformed\ntexts: none\ndata: {{rows: {{file: {file}, splits: {{test: 1.0}}}}}}\n"
        f"models: {{a: {model}, b: {{load: two}}}}\ncompare: {{baseline: a}}\ntasks: {{t: {{{task}}}}}\n"
    )
    (desk.folder / "malformed.yaml").write_text(suite, "utf-8")
    said = desk(command, "malformed.yaml")
    assert PLANTED not in said.out + said.err, said.err
    (desk.folder / "malformed.yaml").write_text(suite.replace("texts: none\n", ""), "utf-8")
    shown = desk(command, "malformed.yaml")
    assert shown.code == said.code
    if PLANTED in shown.err:
        assert HIDDEN in said.err
        assert "Traceback" not in said.err


def test_most_errors_quote_a_row_where_texts_are_not_private() -> None:
    """The test above is about something: see that messages do quote rows otherwise."""
    words = PrivateWords("data: {notes: {columns: {text: body}}}")
    assert words.of("the column 'body' holds 'He said so', and \"it's new\".") == (
        f"the column 'body' holds {HIDDEN}, and {HIDDEN}."
    )
    assert words.of("the suite's row is 'cut of") == f"the suite's row is {HIDDEN}"
    assert words.of("found ['one row', \"another's\"]") == f"found [{HIDDEN}, {HIDDEN}]"
    assert words.of(f"no answer: {['it is so']}") == f"no answer: [{HIDDEN}]"


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_defect_shows_its_place_and_not_its_message(
    debug: str, desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError(f"cannot read {PLANTED} text")

    monkeypatch.setenv("HARNESS_DEBUG", debug)
    monkeypatch.setattr("harness.pipeline.carry_out.prepare", broken)
    said = desk("run", "private.yaml", "--no-texts")
    assert said.code == 70
    assert PLANTED not in said.out + said.err
    assert "ValueError (its message is not shown: `texts: none`)" in said.err
    assert ("in broken" in said.err) == bool(debug)
    for path in desk.folder.glob("reports/*/*/run.json"):
        assert PLANTED not in path.read_text("utf-8")
