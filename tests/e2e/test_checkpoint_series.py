"""A training from checkpoint to checkpoint: as a series of a suite, watched from outside, and by a callback inside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from harness_support import model_zoo
from harness_support.tiny_world import Shell

from harness.commands.trainer_callback import SuiteCallback
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

SENTENCES = [
    f"The {who} told the {whom} that {how} was good."
    for who in ("nurse", "doctor", "carpenter", "player")
    for whom in ("owner", "daughter", "nurse")
    for how in ("it", "she", "the report")
]
SUITE = """\
name: steps
seed: 1
data:
  texts: {file: texts.jsonl, splits: {validation: 0.5, test: 0.5}}
models:
  base: {load: base}
  tuned: {load: SERIES}
compare: {baseline: base}
tasks:
  texts: {language_modeling: {data: texts, window: 24}}
gates:
  - {id: learns, metric: texts.bits_per_byte, kind: superiority, min_n: 1}
  - {id: unlearns, metric: texts.bits_per_byte, kind: absolute, max: 0.01, min_n: 1}
"""


class Rows(torch.utils.data.Dataset):
    def __init__(self, tokenizer):
        self.rows = [tokenizer(text)["input_ids"][:20] for text in SENTENCES]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        ids = torch.tensor(self.rows[place] + [0] * (20 - len(self.rows[place])))
        return {"input_ids": ids, "labels": ids}


def trainer(folder, out, *, callbacks=(), steps=6):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    arguments = transformers.TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        save_steps=2,
        save_strategy="steps",
        learning_rate=3e-3,
        per_device_train_batch_size=8,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=3,
    )
    return transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=Rows(tokenizer),
        processing_class=tokenizer,
        data_collator=transformers.default_data_collator,
        callbacks=list(callbacks),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    model_zoo.language_model("gpt2", folder / "base", length=64)
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in SENTENCES))
    (folder / "steps.yaml").write_text(SUITE.replace("SERIES", '{series: "out/checkpoint-*"}'))
    trainer(folder / "base", folder / "out").train()
    return folder


def test_a_series_is_a_model_for_each_checkpoint(trained):
    suite = load_suite(str(trained / "steps.yaml"))
    assert suite.contenders == ("base", "tuned-2", "tuned-4", "tuned-6")
    assert suite.release == ("tuned-6",)
    assert [(step.step, step.model) for step in suite.series["tuned"]] == [
        (2, "tuned-2"),
        (4, "tuned-4"),
        (6, "tuned-6"),
    ]


@pytest.mark.slow
def test_gates_best_step_and_winner(trained, tmp_path):
    shell = Shell(trained, tmp_path / "cache")
    results = shell.run("steps.yaml")["results"]
    (series,) = results["series"]
    assert [step["gates"]["unlearns"] for step in series["steps"]] == ["fail"] * 3
    assert series["first_failing"]["unlearns"] == 2
    assert "learns" not in series["first_failing"]
    best, winner = series["best"], series["winner"]
    assert (best["split"], winner["split"]) == ("validation", "test")
    assert best["metric"] == winner["metric"] == "texts.bits_per_byte"
    compared = {row["candidate"]: row for row in results["comparisons"] if row["id"] == "texts.bits_per_byte"}
    assert winner["model"] == min(compared, key=lambda model: compared[model]["delta"]["value"])
    assert winner["alpha"] == pytest.approx(0.05 / 3)
    bounds = {round(level["alpha"], 6): level for level in compared[winner["model"]]["delta"]["bounds"]}
    assert winner["bound"] == bounds[round(0.05 / 3, 6)]["high"] > bounds[0.05]["high"]
    assert best["bound"] is not None
    assert any("best step on validation data" in note for note in results["notes"])


@pytest.mark.slow
def test_a_stored_run_is_judged_again_on_its_own_checkpoints(trained, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(trained, folder)
    shell = Shell(folder, tmp_path / "cache")
    run = shell.run("steps.yaml")["folder"]
    before = json.loads((run / "results.json").read_text())
    shutil.copytree(folder / "out/checkpoint-6", folder / "out/checkpoint-8")
    shutil.rmtree(folder / "out/checkpoint-2")
    own = shell("gate", str(run), "--json", "-q")
    assert own.returncode == 10, own.stderr
    (folder / "milder.yaml").write_text(
        SUITE.replace("SERIES", '{series: "out/checkpoint-*"}').replace("max: 0.01", "max: 1000")
    )
    judged = shell("gate", str(run), "--suite", "milder.yaml", "--write", "-q")
    after = json.loads((run / "results.json").read_text())
    (old,), (new,) = before["series"], after["series"]
    assert "unlearns" in old["first_failing"]
    assert new["first_failing"] == {}, judged.stderr
    assert "fail" not in {step["gates"]["unlearns"] for step in new["steps"]}
    assert (new["best"], new["winner"]) == (old["best"], old["winner"])
    assert not any("unlearns first at step" in note for note in after["notes"])
    assert shell("gate", str(run), "--from-records", "--write", "-q").returncode == judged.returncode
    (records,) = json.loads((run / "results.json").read_text())["series"]
    assert records["winner"] == old["winner"]
    assert records["best"] is None


@pytest.mark.slow
def test_watching_a_training_from_outside(trained, tmp_path):
    (trained / "one.yaml").write_text(SUITE.replace("SERIES", "base"))
    shell = Shell(trained, tmp_path / "cache")
    done = shell("watch", "out", "--suite", "one.yaml", "--model", "tuned", "--once", "--json", "-q")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert all(line["failed_gates"] == ["unlearns"] for line in lines)
    values = [line["figures"]["texts.bits_per_byte"] for line in lines]
    assert values[-1] < values[0]
    stopped = shell("watch", "out", "--suite", "one.yaml", "--model", "tuned", "--stop-at-failed-gate", "-q")
    assert stopped.returncode == 10
    missing = shell("watch", "out", "--suite", "one.yaml", "--model", "other", "--once", "-q")
    assert missing.returncode == 2
    assert "unknown model 'other'" in missing.stderr


@pytest.mark.slow
def test_a_callback_evaluates_logs_and_stops_and_leaves_the_training_as_it_was(trained, tmp_path):
    (trained / "one.yaml").write_text(SUITE.replace("SERIES", "base"))
    options = {"out": tmp_path / "reports", "store": Store(tmp_path / "store")}
    seen = SuiteCallback(str(trained / "one.yaml"), model="tuned", every=2, **options)
    watched = trainer(trained / "base", tmp_path / "watched", callbacks=[seen])
    watched.train()
    assert [made.step for made in seen.runs] == [2, 4, 6]
    logged = [entry for entry in watched.state.log_history if "harness/texts.bits_per_byte" in entry]
    assert [entry["step"] for entry in logged] == [2, 4, 6]
    plain = transformers.AutoModelForCausalLM.from_pretrained(trained / "out/checkpoint-6")
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, watched.model.state_dict()[name].cpu()), name
    stops = SuiteCallback(str(trained / "one.yaml"), model="tuned", every=2, stop_at_failed_gate=True, **options)
    stopped = trainer(trained / "base", tmp_path / "stopped", callbacks=[stops])
    stopped.train()
    assert stopped.state.global_step == 2
    assert [gate.id for gate in stops.runs[0].failed] == ["unlearns"]


BAD = {
    '{series: "none/checkpoint-*"}': "expected checkpoints at 'none/checkpoint-*'",
    "{series: 3}": "expected a pattern of folders",
    '{series: "bas*"}': "has no step in its name",
}


@pytest.mark.parametrize("series", BAD)
def test_series_that_are_none(trained, series):
    from harness.core.errors import SuiteError

    (trained / "bad.yaml").write_text(SUITE.replace("SERIES", series))
    with pytest.raises(SuiteError) as raised:
        load_suite(str(trained / "bad.yaml"))
    assert BAD[series] in str(raised.value) + " ".join(map(str, getattr(raised.value, "notes", ())))


def test_paths_are_kept_as_they_are_written(trained):
    absolute = SUITE.replace("SERIES", json.dumps({"series": str(trained / "out/checkpoint-*")}))
    (trained / "absolute.yaml").write_text(absolute)
    suite = load_suite(str(trained / "absolute.yaml"))
    assert Path(suite.models["tuned-2"].options.load) == trained / "out/checkpoint-2"
