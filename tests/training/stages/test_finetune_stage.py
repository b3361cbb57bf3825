import json
import shutil
from pathlib import Path

import pytest
from harness_support.training_samples import LABELS, examples, finetune_spec, label_inputs, labeled, run_stage
from safetensors import safe_open

from harness.core.digests import file_digest
from harness.core.errors import CheckpointError, DataError
from harness.core.examples import LabeledText
from harness.core.reporter import Silent

# Settings by which so small a model leaves the plateau of a constant answer whatever its rounding.
EAGER = {
    "epochs": 12,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "embedding_lr_multiplier": 1.0,
    "head_lr_multiplier": 1.0,
}


@pytest.fixture(scope="module")
def tuned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("tuned") / "checkpoint"
    return folder, run_stage(finetune_spec(**EAGER), label_inputs(base), folder, Silent())


def test_it_learns_and_says_how_well(tuned: tuple[Path, dict]) -> None:
    _, made = tuned
    assert made["validation"]["n"] == 24
    assert made["validation"]["accuracy"] > 0.9
    assert {"seconds", "tokens_per_second", "peak_memory"} <= set(made["measured"])


def test_the_page_names_parent_labels_and_cost(tuned: tuple[Path, dict]) -> None:
    folder, _ = tuned
    page = json.loads((folder / "checkpoint.json").read_text())
    assert page["parent"] == {"key": "a" * 64, "digest": "b" * 64}
    assert page["labels"] == list(LABELS)
    assert page["stage"]["from"] == "base"
    assert page["cost"]["trainable"] == page["cost"]["parameters"]
    assert page["recipe"]["epochs"] == 12
    config = json.loads((folder / "config.json").read_text())
    assert list(config["id2label"].values()) == list(LABELS)
    assert config["architectures"] == ["BertForSequenceClassification"]


def test_the_language_model_head_is_kept(tuned: tuple[Path, dict], base: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

    folder, _ = tuned
    for kind in (AutoModelForMaskedLM, AutoModelForSequenceClassification):
        assert not kind.from_pretrained(folder, output_loading_info=True)[1]["missing_keys"]
    with safe_open(folder / "model.safetensors", "pt") as new, safe_open(base / "model.safetensors", "pt") as old:
        name = "cls.predictions.transform.dense.weight"
        assert new.get_tensor(name).equal(old.get_tensor(name))


def test_a_bare_encoder_is_not_written_beside_the_tuned_one(base: Path, tmp_path: Path) -> None:
    """Its tensors have no prefix, those of the classifier around it have one: whoever loads them must find one set."""
    from transformers import AutoModel, AutoTokenizer

    bare = tmp_path / "bare"
    AutoModel.from_pretrained(base).save_pretrained(bare)
    AutoTokenizer.from_pretrained(base).save_pretrained(bare)
    run_stage(finetune_spec(epochs=1), label_inputs(bare), tmp_path / "tuned", Silent())
    with safe_open(tmp_path / "tuned" / "model.safetensors", "pt") as opened:
        names = set(opened.keys())
    assert "bert.encoder.layer.0.output.dense.weight" in names
    assert all(name.startswith(("bert.", "classifier.")) for name in names), names
    run_stage(finetune_spec(epochs=1), label_inputs(tmp_path / "tuned"), tmp_path / "again", Silent())
    with safe_open(tmp_path / "again" / "model.safetensors", "pt") as opened:
        assert set(opened.keys()) == names


def test_random_weights_know_nothing_of_the_parent(base: Path, tmp_path: Path) -> None:
    run_stage(finetune_spec(weights="random"), label_inputs(base), tmp_path / "a", Silent())
    with safe_open(tmp_path / "a" / "model.safetensors", "pt") as opened:
        assert not [name for name in opened.keys() if name.startswith("cls.")]  # noqa: SIM118


def test_the_same_seed_gives_the_same_weights(base: Path, tmp_path: Path) -> None:
    spec = finetune_spec(epochs=1, word_dropout=0.2, label_smoothing=0.1)
    digests = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        run_stage(spec, label_inputs(base, seed=seed), tmp_path / name, Silent())
        digests.append(file_digest(tmp_path / name / "model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


def test_a_memory_loss_trains_with_the_frozen_head(base: Path, tmp_path: Path) -> None:
    made = run_stage(finetune_spec(epochs=1, mlm_loss_weight=0.5), label_inputs(base), tmp_path / "a", Silent())
    assert made["recipe"]["mlm_loss_weight"] == 0.5
    with (
        safe_open(tmp_path / "a" / "model.safetensors", "pt") as new,
        safe_open(base / "model.safetensors", "pt") as old,
    ):
        assert new.get_tensor("cls.predictions.bias").equal(old.get_tensor("cls.predictions.bias"))


def test_no_validation_examples_give_no_score(base: Path, tmp_path: Path) -> None:
    made = run_stage(finetune_spec(epochs=2), label_inputs(base, validation=()), tmp_path / "a", Silent())
    assert made["validation"] is None


def test_a_single_epoch_is_not_scored_as_there_is_none_to_choose(base: Path, tmp_path: Path) -> None:
    made = run_stage(finetune_spec(epochs=1), label_inputs(base), tmp_path / "a", Silent())
    assert made["validation"] is None
    made = run_stage(finetune_spec(epochs=2), label_inputs(base), tmp_path / "b", Silent())
    assert made["validation"]["epoch"] in {1, 2}


def test_long_texts_are_cut_to_what_the_model_takes(base: Path, tmp_path: Path) -> None:
    long = labeled([(" ".join([text] * 100), label) for text, label in examples(8)])
    made = run_stage(
        finetune_spec(epochs=1, max_length=100_000), label_inputs(base, train=long), tmp_path / "a", Silent()
    )
    assert made["cost"]["tokens"] == 8 * 256


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": ()}, "training split has no examples"),
        ({"train": [("good", 1), ("fine", 1)]}, "every training example has the label 'positive'"),
        ({"train": [("good", 1), ("  ", 0)]}, "text of example 2 is empty"),
        ({"train": [("good", 1), ("bad", 2)]}, "label index 2; expected 0 to 1"),
        ({"validation": [("", 1)]}, "validation split: the text of example 1 is empty"),
        ({"labels": ("only",)}, "at least two labels"),
    ],
)
def test_unfit_examples_are_refused(changes: dict, said: str, base: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        run_stage(finetune_spec(), label_inputs(base, **_as_examples(changes)), tmp_path / "a", Silent())


def _as_examples(changes: dict) -> dict:
    return {name: labeled(value) if name in {"train", "validation"} else value for name, value in changes.items()}


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    for parent in (None, tmp_path / "none"):
        with pytest.raises(CheckpointError, match="parent checkpoint is missing"):
            run_stage(finetune_spec(), label_inputs(parent), tmp_path / "a", Silent())


def test_a_parent_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="cannot load the checkpoint"):
        run_stage(finetune_spec(), label_inputs(tmp_path), tmp_path / "a", Silent())


def test_a_classifier_is_a_start_for_other_labels(tuned: tuple[Path, dict], tmp_path: Path) -> None:
    folder, _ = tuned
    three = [LabeledText(text, (number % 3,)) for number, (text, _) in enumerate(examples())]
    inputs = label_inputs(folder, train=three, validation=(), labels=("cold", "mild", "warm"))
    run_stage(finetune_spec(epochs=1), inputs, tmp_path, Silent())
    with safe_open(tmp_path / "model.safetensors", "pt") as made:
        assert made.get_tensor("classifier.weight").shape[0] == 3


def test_weights_of_another_shape_are_refused(base: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(base, odd)
    config = json.loads((odd / "config.json").read_text())
    (odd / "config.json").write_text(json.dumps({**config, "intermediate_size": 2 * config["intermediate_size"]}))
    with pytest.raises(CheckpointError, match="whose shape differs"):
        run_stage(finetune_spec(epochs=1), label_inputs(odd), tmp_path / "made", Silent())
