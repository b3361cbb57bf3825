"""Pretraining by each objective: what is written, loaded again, and learned."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_support.training_samples import passage_inputs, passages, pretraining, run_stage

from harness.core.digests import file_digest
from harness.core.errors import CheckpointError, DataError, SuiteError
from harness.core.reporter import Silent
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.training.objectives.next_sentence_objective import ELSEWHERE, FOLLOWS, draw_pairs, sentence_ends
from harness.training.objectives.objective import objective
from harness.training.objectives.span_corruption_objective import corrupt, span_mask
from harness.training.stage_inputs import StageInputs

KINDS = ("gpt", "llama", "mlm_nsp", "span_corruption")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of every kind."""
    folders = {kind: tmp_path_factory.mktemp("objectives") / kind for kind in KINDS}
    for kind, folder in folders.items():
        run_stage(pretraining(kind), passage_inputs(), folder, Silent())
    return folders


def test_transformers_loads_them_whole_with_their_own_classes(made: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoModelForPreTraining, AutoModelForSeq2SeqLM, AutoTokenizer

    classes = {
        "gpt": (AutoModelForCausalLM, "GPT2LMHeadModel"),
        "llama": (AutoModelForCausalLM, "LlamaForCausalLM"),
        "mlm_nsp": (AutoModelForPreTraining, "BertForPreTraining"),
        "span_corruption": (AutoModelForSeq2SeqLM, "T5ForConditionalGeneration"),
    }
    for kind, (auto, name) in classes.items():
        model, facts = auto.from_pretrained(made[kind], output_loading_info=True)
        assert type(model).__name__ == name
        assert not facts["missing_keys"]
        assert not facts["unexpected_keys"]
        assert model.config.architectures == [name]
        tokenizer = AutoTokenizer.from_pretrained(made[kind])
        assert len(tokenizer) == model.config.vocab_size
        assert str(made[kind]) not in (made[kind] / "config.json").read_text()


def test_a_bert_with_both_heads_is_a_masked_model_too(made: dict[str, Path]) -> None:
    from transformers import AutoModelForMaskedLM

    _, facts = AutoModelForMaskedLM.from_pretrained(made["mlm_nsp"], output_loading_info=True)
    assert not facts["missing_keys"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_counts_tokens_and_operations(kind: str, made: dict[str, Path]) -> None:
    page = json.loads((made[kind] / "checkpoint.json").read_text())
    assert page["cost"]["steps"] == 12
    assert 0 < page["cost"]["tokens"] <= 12 * 4 * 24
    assert page["cost"]["flops"] > 6 * page["cost"]["tokens"]
    assert page["recipe"]["sequence_length"] == 24


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_below_that_of_word_frequencies(kind: str, tmp_path: Path) -> None:
    run_stage(pretraining(kind, steps=60, batch_size=8, learning_rate=1e-2), passage_inputs(), tmp_path, Silent())
    lines = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    uniform = math.log(150 if kind == "mlm_nsp" else 360)
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["loss"] < 0.8 * uniform


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights(kind: str, made: dict[str, Path], tmp_path: Path) -> None:
    run_stage(pretraining(kind), passage_inputs(), tmp_path / "again", Silent())
    run_stage(pretraining(kind), passage_inputs(seed=1), tmp_path / "other", Silent())
    for name in ("model.safetensors", "tokenizer.json"):
        assert file_digest(tmp_path / "again" / name) == file_digest(made[kind] / name)
    weights = {file_digest(folder / "model.safetensors") for folder in (made[kind], tmp_path / "other")}
    assert len(weights) == 2


def test_the_causal_loss_is_that_of_transformers(made: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(made["llama"]).eval()
    ids = torch.randint(0, 300, (3, 12), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert objective("causal").loss(model, {"input_ids": ids}).item() == pytest.approx(
            model(input_ids=ids, labels=ids).loss.item(), rel=1e-5
        )


def test_next_sentence_accuracy_is_measured_on_pairs_that_were_held_out(made: dict[str, Path]) -> None:
    held = json.loads((made["mlm_nsp"] / "checkpoint.json").read_text())["held_out"]
    assert held["nsp_pairs"] > 0
    assert 0 <= held["nsp_accuracy"] <= 1


def test_half_of_the_pairs_follow_and_the_others_come_from_another_document() -> None:
    documents = [[100 * place + token for token in range(1, 10)] for place in range(8)]
    ends = frozenset(100 * place + token for place in range(8) for token in (3, 6, 9))
    assert sentence_ends(documents[0], ends) == [3, 6]
    pairs = list(draw_pairs(documents, ends, count=400, length=11, random=np.random.default_rng(0)))
    assert 150 < sum(pair.answer == FOLLOWS for pair in pairs) < 250
    for pair in pairs:
        assert len(pair.first) + len(pair.second) + 3 <= 11
        assert pair.first[-1] in ends
        same = pair.first[-1] // 100 == pair.second[0] // 100
        assert same == (pair.answer == FOLLOWS)
        if pair.answer == ELSEWHERE:
            continue
        assert pair.second[0] == pair.first[-1] + 1


def test_pairs_need_documents_of_several_sentences(tmp_path: Path) -> None:
    inputs = StageInputs(texts={"tales": ["no end here"] * 9}, data={"tales": "a" * 64})
    with pytest.raises(DataError, match="two or more sentences"):
        run_stage(pretraining("mlm_nsp", tokenizer={"vocabulary": 60}), inputs, tmp_path, Silent())


@pytest.mark.parametrize(("length", "hidden", "spans"), [(24, 4, 1), (24, 4, 2), (50, 8, 3), (10, 5, 5), (9, 1, 1)])
def test_span_masks_have_as_many_runs_as_asked(length: int, hidden: int, spans: int) -> None:
    for seed in range(50):
        mask = span_mask(length, hidden, spans, np.random.default_rng(seed))
        assert mask.sum() == hidden
        assert not mask[0]
        assert (mask & ~np.concatenate([[False], mask[:-1]])).sum() == spans


def test_source_and_target_together_are_the_row() -> None:
    row = np.arange(10, 22)
    mask = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1], dtype=bool)
    source, target = corrupt(row, mask, [90, 91, 92, 93])
    assert source.tolist() == [10, 90, 13, 14, 15, 91, 17, 18, 92]
    assert target.tolist() == [90, 11, 12, 91, 16, 92, 19, 20, 21, 93]


def test_minutes_become_steps_that_a_killed_training_keeps(tmp_path: Path) -> None:
    spec = pretraining("gpt", budget={"minutes": 0.02})
    first = run_stage(spec, passage_inputs(), tmp_path, Silent())
    assert first["cost"]["steps"] >= 1
    kept = tmp_path / ".resume" / "budget.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "steps": 3}))
    assert run_stage(spec, passage_inputs(), tmp_path, Silent())["cost"]["steps"] == 3


def test_a_given_tokenizer_is_used(made: dict[str, Path], tmp_path: Path) -> None:
    spec = pretraining("llama", steps=2, tokenizer={"path": "elsewhere"})
    run_stage(spec, passage_inputs(tokenizer=made["gpt"]), tmp_path, Silent())
    assert file_digest(tmp_path / "tokenizer.json") == file_digest(made["gpt"] / "tokenizer.json")


def test_a_given_tokenizer_must_have_what_the_objective_needs(made: dict[str, Path], tmp_path: Path) -> None:
    spec = pretraining("span_corruption", steps=2, tokenizer={"path": "elsewhere"})
    with pytest.raises(SuiteError, match="lacks sentinels"):
        run_stage(spec, passage_inputs(tokenizer=made["gpt"]), tmp_path, Silent())


def _further(kind: str, parent: Path, work: Path, **changes: object) -> dict[str, Any]:
    objective = "causal" if kind in {"gpt", "llama"} else kind
    settings = {"sequence_length": 24, "batch_size": 4, "budget": {"steps": 6}, **changes}
    spec = PretrainSpec.model_validate({"from": "base", "objective": objective, "data": ["tales"], **settings})
    inputs = passage_inputs(parent=parent, parent_key="a" * 64, parent_digest="b" * 64)
    return run_stage(spec, inputs, work, Silent())


@pytest.mark.parametrize("kind", KINDS)
def test_pretraining_goes_on_from_a_checkpoint(kind: str, made: dict[str, Path], tmp_path: Path) -> None:
    page = _further(kind, made[kind], tmp_path)
    assert page["parent"] == {"key": "a" * 64, "digest": "b" * 64}
    assert file_digest(tmp_path / "tokenizer.json") == file_digest(made[kind] / "tokenizer.json")
    assert file_digest(tmp_path / "model.safetensors") != file_digest(made[kind] / "model.safetensors")


def test_an_encoder_without_a_head_gets_one(base: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

    AutoModel.from_pretrained(base).save_pretrained(tmp_path / "bare")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "bare")
    _further("mlm", tmp_path / "bare", tmp_path / "headed", sequence_length=16)
    _, facts = AutoModelForMaskedLM.from_pretrained(tmp_path / "headed", output_loading_info=True)
    assert not facts["missing_keys"]


def test_going_on_by_an_objective_that_does_not_fit_is_refused(
    made: dict[str, Path], base: Path, tmp_path: Path
) -> None:
    with pytest.raises(SuiteError, match="reads both sides"):
        _further("mlm", made["gpt"], tmp_path / "a")
    with pytest.raises(SuiteError, match="reads from the left"):
        _further("gpt", base, tmp_path / "b")


def test_a_causal_model_without_its_head_is_refused(made: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for file in made["gpt"].iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in tensors if "h.0.attn" in name)
    del tensors[lost]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match="is missing weights"):
        _further("gpt", tmp_path, tmp_path / "work")


def test_rows_longer_than_the_model_are_refused(made: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="does not fit the model's"):
        _further("gpt", made["gpt"], tmp_path, sequence_length=4096)


def test_passages_are_texts_of_sentences() -> None:
    assert all(text.count(".") == 4 for text in passages())
