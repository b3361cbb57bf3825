from __future__ import annotations

from pathlib import Path

import pytest

from harness.calibration.load_calibration import load_any_suite
from harness.core.errors import SuiteError
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.load_kind import LoadModel
from harness.suite.bundled import suites
from harness.suite.load_suite import load_suite, parse_suite
from harness.suite.suite import Suite

SMALL = """\
name: small
data:
  mine: {file: mine.csv, columns: {text: body}}
models:
  base: {load: models/base}
  tuned: {finetune: {from: base, task: mine}}
compare: {baseline: base}
tasks:
  mine: {classification: {data: mine, labels: [bad, good], metrics: [accuracy, f1_per_class, ece]}}
probes:
  swaps: {counterfactual: {on: mine, swap: [gender]}}
  pairs: {minimal_pairs: {data: {catalog: own-pairs}}}
gates:
  - {id: better, metric: mine.accuracy, kind: superiority}
  - {id: good, metric: "mine.f1[good]", kind: absolute, min: 0.5}
  - {id: bias, metric: pairs.stereotype_score, kind: target, margin: 0.05}
"""


def suite(text: str) -> Suite:
    return parse_suite(text, Path("s.yaml"))


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) >= 1, old
    return SMALL.replace(old, new, 1)


def fault(text: str) -> str:
    with pytest.raises(SuiteError) as raised:
        suite(text)
    return str(raised.value)


def test_a_small_suite() -> None:
    found = suite(SMALL)
    assert (found.name, found.title, found.seed) == ("small", "small", 0)
    assert found.models["base"].options == LoadModel(load="models/base")
    assert isinstance(found.models["tuned"].options, FinetuneSpec)
    assert (found.candidates, found.release) == (("tuned",), ("tuned",))
    assert list(found.evaluations) == ["mine", "swaps", "pairs"]
    assert found.tasks["mine"].cls.kind == "classification"
    assert [rule.id for rule in found.gates.rules] == ["better", "good", "bias"]
    assert str(found.where("models", "tuned")) == "s.yaml:6:3"
    assert str(found.gates.places["better"]) == "s.yaml:14:5"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("name: small", "name: small\nsed: 1", "2:1", "unknown key 'sed'. Did you mean 'seed'?"),
        ("name: small", "name: Small One", "1:7", "write 'small-one'"),
        ("name: small\n", "", "1:1", "the key 'name' is missing"),
        ("name: small", "name: small\nseed: '1'", "2:7", "expected a whole number, found the text '1'"),
        ("name: small", "name: small\nseed: -1", "2:7", "expected a seed from 0"),
        ("file: mine.csv", "fiel: mine.csv", "3:10", "Did you mean 'file'?"),
        ("{catalog: own-pairs}", "{catalog: own-pears}", "12:43", "Did you mean 'own-pairs'?"),
        ("columns: {text: body}", "columns: {text: 3}", "3:42", "expected text, found the number 3"),
        ("  base: {load", "  Base!: {load", "5:3", "expected a model name of small letters"),
        ("{load: models/base}", "{laod: models/base}", "5:10", "Did you mean 'load'?"),
        ("{load: models/base}", "{classical: {task: mine}, load: models/base}", "5:35", "a model has one kind"),
        ("{load: models/base}", "{classical: {task: mine}, seed: 3}", "5:35", "write it below 'classical'"),
        ("{load: models/base}", "{classical: {task: mine}, sort: 3}", "5:35", "unknown key 'sort' next to 'classical'"),
        ("{load: models/base}", "{classical: }", "5:10", "expected a mapping (`key: value`), found nothing"),
        ("{load: models/base}", "{load: models/base, revison: ab}", "5:29", "Did you mean 'revision'?"),
        ("{load: models/base}", "{revision: ab, laod: models/base}", "5:24", "Did you mean 'load'?"),
        (
            "{load: models/base}",
            "{finetune: {from: tuned, task: mine}}",
            "5:27",
            "circular model dependency: base → tuned → base",
        ),
        ("{load: models/base}", "models/base", "5:9", "expected a mapping with one of the keys align, classical"),
        ("{load: models/base}", "", "5:3", "found nothing"),
        (
            "{load: models/base}",
            "{}",
            "5:3",
            "align, classical, finetune, heuristic, load, pretrain, project, prompt, self_debias, server",
        ),
        (
            "{load: models/base}",
            "{pretrain: {data: [mine], budget: {steps: 9}, weights: {mien: 2}}}",
            "5:65",
            "unknown data of this stage 'mien'. Did you mean 'mine'?",
        ),
        ("{load: models/base}", "{pretrain: {data: [mien], budget: {steps: 9}}}", "5:28", "unknown data 'mien'"),
        ("{load: models/base}", "{pretrain: {data: [mine], budget: {}}}", "5:35", "exactly one of `tokens`"),
        ("{from: base", "{form: base", "6:22", "Did you mean 'from'?"),
        ("{from: base", "{from: bas", "6:28", "unknown model 'bas'. Did you mean 'base'?"),
        ("from: base, task: mine", "from: base, task: min", "6:40", "unknown task 'min'. Did you mean 'mine'?"),
        ("task: mine}", "task: mine, epochs: no}", "6:54", "expected a whole number, found the text 'no'"),
        ("task: mine}", "task: mine, epochs: 0}", "6:54", "greater than or equal to 1"),
        ("task: mine}", "task: mine, max_train_rows: many}", "6:62", "expected a count such as 500, 20k or 2M"),
        ("task: mine}", "task: mine, method: ful}", "6:54", "Did you mean 'full'?"),
        ("task: mine}", "task: mine, method: {lorra: {}}}", "6:55", "Did you mean 'lora'?"),
        ("task: mine}", "task: mine, method: {lora: {rnk: 8}}}", "6:62", "Did you mean 'rank'?"),
        ("{load: models/base}", "{load: models/base, quantize: 4bit}", "6:28", "quantized to 4 bits cannot be trained"),
        ("{load: models/base}", "{load: models/base, quantize: 3bit}", "5:39", "expected '4bit' or '8bit'"),
        (
            "base: {load: models/base}\n  tuned: {finetune: {from: base, task: mine}}",
            "base: {classical: {task: mine}}\n  tuned: {self_debias: {from: base}}",
            "6:31",
            "a bag of words cannot be trained further",
        ),
        ("baseline: base", "baseline: bsae", "7:21", "Did you mean 'base'?"),
        ("baseline: base", "baseline: base, release: [base]", "7:37", "is the baseline"),
        ("baseline: base", "baseline: base, candidates: [], release: [tuned]", "7:53", "is not a candidate"),
        ("baseline: base", "baseline: base, candidates: [tuned, tuned]", "7:47", "is listed twice"),
        ("baseline: base", "baseline: base, pairs: [[base]]", "7:35", "expected 2 or more entries, found 1"),
        ("baseline: base", "baseline: base, pairs: [[base, base]]", "7:35", "paired with itself"),
        ("compare: {baseline: base}\n", "", "1:1", "the key 'compare' is missing"),
        ("classification: {", "clasification: {", "9:10", "Did you mean 'classification'?"),
        ("data: mine,", "data: mien,", "9:33", "unknown data 'mien'. Did you mean 'mine'?"),
        ("data: mine,", "data: mine, txet: body,", "9:39", "Did you mean 'text'?"),
        ("f1_per_class, ece", "f1_per_klass, ece", "9:80", "Did you mean 'f1_per_class'?"),
        ("f1_per_class, ece", "f1_per_class, flip_rate", "9:94", "does not fit 'mine'"),
        ("on: mine", "on: mien", "11:32", "unknown task 'mien'"),
        ("  swaps:", "  mine:", "11:3", "a task and a probe share the name"),
        ("  pairs: {", "  pairs: {counterfactual: {on: mine}, ", "12:3", "expected one kind of probe"),
        ("metric: mine.accuracy", "metric: mien.accuracy", "14:26", "unknown evaluation 'mien'"),
        ("metric: mine.accuracy", "metric: mine.acuracy", "14:26", "Did you mean 'accuracy'?"),
        ("metric: mine.accuracy", "metric: mine.brier", "14:26", "or add it to the metrics of 'mine'"),
        ("mine.f1[good]", "mine.f1[god]", "15:24", "Did you mean 'f1[good]'?"),
        ("kind: superiority", "kind: superiority, model: tund", "14:67", "Did you mean 'tuned'?"),
        (
            "kind: target, margin: 0.05",
            "kind: superiority",
            "16:54",
            "has an ideal (0.5) and no better direction, so `superiority` does not fit",
        ),
        ("kind: superiority", "kind: non_inferiority, margin: {ratio: 1.05}", "14:64", "a ratio margin does not apply"),
        ("{id: better, metric: mine.accuracy, kind: superiority}", "3", "14:5", "expected a rule"),
    ],
)
def test_faults_stand_at_their_place(old: str, new: str, place: str, words: str) -> None:
    message = fault(changed(old, new))
    first = message.split(": ", 1)[0]
    assert words in message, message
    assert first == f"s.yaml:{place}", message


def test_a_circle_of_models_is_shown_as_a_path() -> None:
    text = changed("{load: models/base}", "{finetune: {from: tuned, task: mine}}")
    assert "base → tuned → base" in fault(text)
    assert "tuned → tuned" in fault(changed("from: base", "from: tuned"))


def test_several_faults_are_shown_at_once_in_the_file_s_order() -> None:
    text = SMALL.replace("from: base", "from: bas").replace("data: mine,", "data: mien,").replace("on: mine", "on: me")
    lines = [line.split(": ", 1)[0] for line in fault(text).splitlines()]
    assert lines[:3] == ["s.yaml:6:28", "s.yaml:9:33", "s.yaml:11:32"]


def test_a_task_without_labels_cannot_be_learned() -> None:
    text = changed("tasks:\n", "tasks:\n  words: {next_word_prediction: {data: mine}}\n")
    assert "has no training examples" in fault(text.replace("task: mine}", "task: words}"))


@pytest.mark.parametrize("text", ["[]", "3", "just words", "- a\n- b"])
def test_the_top_level_is_a_mapping(text: str) -> None:
    assert "expected a mapping with the keys name" in fault(text)


def test_a_ratio_margin_must_fit_the_direction() -> None:
    text = changed("tasks:\n", "tasks:\n  language: {language_modeling: {data: mine}}\n")
    gate = "  - {id: m, metric: language.pseudo_bits_per_byte, kind: non_inferiority, margin: {ratio: RATIO}}\n"
    assert suite(text + gate.replace("RATIO", "1.05")).gates.rules[-1].id == "m"
    assert "must be 1 or more" in fault(text + gate.replace("RATIO", "0.95"))


@pytest.mark.parametrize("gates", ["hello", "7", "{rules: hello}", "{rules: 7}", "{waivers: {}}"])
def test_gates_of_another_form_are_refused_at_their_line(gates: str) -> None:
    text = SMALL[: SMALL.index("gates:")] + f"gates: {gates}\n"
    assert "expected a list" in fault(text)
    assert "s.yaml:13:" in fault(text)


def test_gates_without_anyone_to_judge() -> None:
    text = changed("baseline: base", "baseline: base, release: []")
    assert "`compare` lists no release candidate" in fault(text)


def test_the_digest_knows_content_and_nothing_else() -> None:
    same = SMALL.replace("baseline: base}", "baseline:   base}   # a comment").replace("0.05", "5e-2")
    assert (suite(same).digest, suite(same).gates_digest) == (suite(SMALL).digest, suite(SMALL).gates_digest)
    other_gate = suite(changed("min: 0.5", "min: 0.6"))
    assert other_gate.digest == suite(SMALL).digest
    assert other_gate.gates_digest != suite(SMALL).gates_digest
    assert suite(changed("name: small", "name: small\nseed: 1")).digest != suite(SMALL).digest


def test_a_path_comes_first_then_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(SMALL, "utf-8")
    assert load_suite(str(tmp_path / "mine.yaml")).name == "small"
    monkeypatch.chdir(tmp_path)
    assert load_suite("sentiment").name == "sentiment"
    with pytest.raises(SuiteError, match="Did you mean 'sentiment'"):
        load_suite("sentimnet")
    with pytest.raises(SuiteError, match="no such file"):
        load_suite("none.yaml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SuiteError, match="found a folder"):
        load_suite("folder")


@pytest.mark.parametrize("name", sorted(suites()))
def test_ready_suites_are_valid(name: str) -> None:
    assert load_any_suite(name).name == name


def test_decoding_that_a_server_would_drop_is_refused_before_anything_runs() -> None:
    served = "models:\n  far: {server: {url: 'http://localhost:1/v1', model: x}}\n"
    text = SMALL.replace("models:\n", served, 1).replace(
        "probes:\n", "  qa: {generative_qa: {data: mine, generation_kwargs: {num_beams: 3}}}\nprobes:\n", 1
    )
    assert "the model 'far' (`server`) does not carry out `num_beams`" in fault(text)
    sampled = text.replace("{num_beams: 3}", "{do_sample: true, temperature: 0.5}")
    assert suite(sampled).tasks["qa"].options.decoding == ("temperature",)


SERVED = """\
name: served
data: {mine: {file: mine.csv}}
models:
  base: {server: {url: "http://one:80/v1", model: default}}
  tuned: {server: {%s}}
compare: {baseline: base}
tasks: {mine: {generative_qa: {data: mine, prompt: "Double {text}", target: label}}}
"""


@pytest.mark.parametrize(
    "entry",
    [
        'url: "http://one:80/v1", model: default',
        'url: "http://ONE/v1/", model: default, concurrency: 2, on_failure: record',
    ],
)
def test_two_server_entries_with_one_identity_are_an_error(entry: str) -> None:
    message = fault(SERVED % entry)
    assert message.startswith("s.yaml:5:")
    assert "the models 'base' and 'tuned' are one and the same server model" in message


@pytest.mark.parametrize(
    "more",
    [
        'url: "http://one/v2", model: default',
        'url: "http://one:81/v1", model: default',
        'url: "http://one/v1", model: other',
        'url: "http://one/v1", model: default, prefix: "<s>"',
        'url: "http://one/v1", model: default, template_variables: {enable_thinking: false}',
        'url: "http://one/v1", model: default, identity: mine',
    ],
)
def test_server_entries_differ_by_address_name_request_options_and_identity(more: str) -> None:
    assert list(suite(SERVED % more).models) == ["base", "tuned"]


def test_a_word_in_place_of_the_address_makes_two_addresses_one_model() -> None:
    first = SERVED.replace("model: default}}\n  tuned", "model: default, identity: mine}}\n  tuned")
    assert "one and the same" in fault(first % 'url: "http://elsewhere/v1", model: default, identity: mine')
