from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from harness_support import model_zoo, plain_reference
from harness_support.linear_heads import LABELS, lineage, make_linear
from harness_support.model_zoo import LENGTH, TEXTS
from harness_support.plain_reference import close

from harness.core.errors import CheckpointError
from harness.core.requests import Classify, Continuations, PseudoLikelihood, RollingLikelihood
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest, tokenizer_digest
from harness.models.derived.frozen_features import mean_features

CASES = [*TEXTS, "", "one", "🙂", " ".join(TEXTS)]


@pytest.mark.parametrize("kind", model_zoo.TOKENIZERS)
def test_classification_equals_one_text_at_a_time(kind, tmp_path, opened):
    model = opened(model_zoo.classifier(kind, tmp_path, LABELS))
    reference = plain_reference.Classifier(tmp_path, LENGTH)
    assert model.facts.labels == LABELS
    asked = ("positive", "negative")
    answers = dict(model.answer(Classify(text, asked) for text in CASES))
    for text in CASES:
        if not text and kind in {"gpt2", "neox", "qwen", "gpt_neo"}:
            continue
        expected = reference.classify(text)
        found = answers[Classify(text, asked)].values
        assert close(found[0], expected[2])
        assert close(found[1], expected[0])
    assert answers[Classify(CASES[-1], asked)].truncated > 0


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2", "llama"])
def test_both_heads_of_one_folder_share_one_encoder(kind, tmp_path, opened):
    folder = model_zoo.both_heads(kind, tmp_path, LABELS)
    model = opened(folder)
    network = model.backend.network
    assert network.heads["sequence"].base_model is network.language_model.base_model is network.base
    assert model.facts.labels == LABELS
    assert model.facts.language_model == ("masked" if kind in model_zoo.MASKED else "causal")
    ((_, answer),) = model.answer([Classify(TEXTS[0], LABELS)])
    expected = plain_reference.Classifier(folder, LENGTH).classify(TEXTS[0])
    assert all(map(close, answer.values, expected))
    if kind in model_zoo.MASKED:
        ((_, answer),) = model.answer([PseudoLikelihood(TEXTS[1], "pll")])
        total, _ = plain_reference.Masked(folder, LENGTH).pll(TEXTS[1], "pll")
    else:
        ((_, answer),) = model.answer([RollingLikelihood(TEXTS[1])])
        total, _ = plain_reference.Causal(folder, LENGTH).rolling(TEXTS[1])
    assert close(answer.total, total)


@pytest.mark.parametrize("kind", model_zoo.SEQ2SEQ)
def test_a_head_on_an_encoder_and_decoder_leaves_their_language_model(kind, tmp_path, opened):
    folder = model_zoo.classifier(kind, tmp_path, LABELS)
    model = opened(folder)
    assert (model.facts.language_model, model.facts.labels) == ("seq2seq", LABELS)
    answers = dict(model.answer([Continuations(TEXTS[0], ("a film", "one")), Classify(TEXTS[0], LABELS)]))
    reference = plain_reference.Seq2Seq(folder, LENGTH)
    found = answers[Continuations(TEXTS[0], ("a film", "one"))].values
    assert all(map(close, found, (reference.target(TEXTS[0], option) for option in ("a film", "one"))))


def test_only_trained_heads_count(tmp_path, zoo, opened):
    base = opened(zoo("bert")).facts
    assert (base.labels, base.language_model, base.family) == (None, "masked", "masked")
    alone = opened(model_zoo.classifier("bert", tmp_path / "a", LABELS)).facts
    assert (alone.labels, alone.language_model, alone.family) == (LABELS, None, "encoder")
    headed = opened(model_zoo.classifier("qwen", tmp_path / "c", LABELS)).facts
    assert headed.language_model is None
    assert headed.bos == opened(zoo("qwen")).facts.bos, "how texts begin does not hang on the heads"
    torch.manual_seed(0)
    tokenizer = model_zoo.llama_tokenizer()
    from transformers import LlamaForSequenceClassification

    untied = LlamaForSequenceClassification(model_zoo.config_of("llama", tokenizer, tie_word_embeddings=False))
    untied.save_pretrained(tmp_path / "b")
    tokenizer.save_pretrained(tmp_path / "b")
    facts = opened(tmp_path / "b").facts
    assert (facts.language_model, facts.labels) == (None, ("LABEL_0", "LABEL_1"))
    assert "LABEL_0" in facts.notes[0]
    assert opened(tmp_path / "b", labels=("no", "yes")).facts.labels == ("no", "yes")


def test_labels_of_checkpoint_json_go_before_the_configuration(tmp_path, opened):
    folder = model_zoo.classifier("bert", tmp_path, ("LABEL_0", "LABEL_1", "LABEL_2"))
    lineage(folder, "transformers")
    assert opened(folder).facts.labels == LABELS
    ((_, answer),) = opened(folder).answer([Classify("one", ("angry",))])
    assert answer.reason == "unsupported"
    assert "angry" in answer.message


@pytest.fixture
def adapted(tmp_path, zoo):
    """A LoRA classifier on the BERT language model, with random weights everywhere."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_pretrained(zoo("bert"), num_labels=3)
    config = LoraConfig(
        task_type="SEQ_CLS", r=2, target_modules=["query", "value"], modules_to_save=["classifier", "pooler"]
    )
    model = get_peft_model(model, config)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.5)
    folder = tmp_path / "adapter"
    model.save_pretrained(folder)
    lineage(folder, "adapter", {"key": "b" * 64, "digest": checkpoint_digest(zoo("bert"))})
    return folder, model


def test_an_adapter_equals_the_merged_model(adapted, tmp_path, zoo, opened):
    folder, model = adapted
    adapter = opened(folder, resolve=lambda key: zoo("bert"))
    merged = model.merge_and_unload()
    head_and_factors = 16 * 32 + 32 * 33 + 3 * 33
    assert adapter.facts.parameters == opened(zoo("bert")).facts.parameters + head_and_factors
    merged.config.id2label = dict(enumerate(LABELS))
    merged.config.label2id = {label: index for index, label in enumerate(LABELS)}
    both = tmp_path / "merged"
    merged.save_pretrained(both)
    model_zoo.wordpiece().save_pretrained(both)
    reference = plain_reference.Classifier(both, LENGTH)
    for request, answer in adapter.answer(Classify(text, LABELS) for text in TEXTS):
        assert all(map(close, answer.values, reference.classify(request.text)))
    from transformers import AutoModelForMaskedLM

    lm = AutoModelForMaskedLM.from_pretrained(zoo("bert"))
    lm.bert = merged.bert
    lm.tie_weights()
    lm.save_pretrained(tmp_path / "lm")
    model_zoo.wordpiece().save_pretrained(tmp_path / "lm")
    ((request, answer),) = adapter.answer([PseudoLikelihood(TEXTS[0], "pll")])
    total, _ = plain_reference.Masked(tmp_path / "lm", LENGTH).pll(TEXTS[0], "pll")
    assert close(answer.total, total)
    ((_, base),) = opened(zoo("bert")).answer([request])
    assert not close(answer.total, base.total)
    assert adapter.facts.labels == LABELS


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_an_adapter_of_a_causal_language_model(kind, tmp_path, zoo, opened):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(5)
    targets = ["c_attn"] if kind == "gpt2" else ["q_proj", "v_proj"]
    model = AutoModelForCausalLM.from_pretrained(zoo(kind))
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=targets))
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(tmp_path / "adapter")
    adapter = opened(tmp_path / "adapter", resolve=lambda key: zoo(kind))
    assert (adapter.facts.language_model, adapter.facts.labels) == ("causal", None)
    merged = tmp_path / "merged"
    model.merge_and_unload().save_pretrained(merged)
    model_zoo.TOKENIZERS[kind]().save_pretrained(merged)
    ((_, answer),) = adapter.answer([RollingLikelihood(TEXTS[0])])
    assert close(answer.total, plain_reference.Causal(merged, LENGTH).rolling(TEXTS[0])[0])


def test_the_head_of_a_base_with_other_labels_is_replaced(tmp_path, opened):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = model_zoo.classifier("bert", tmp_path / "base", ("no", "yes"))
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3, ignore_mismatched_sizes=True)
    config = LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"])
    get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    lineage(tmp_path / "adapter", "adapter", {"key": "b" * 64, "digest": checkpoint_digest(base)})
    assert opened(tmp_path / "adapter", resolve=lambda key: base).facts.labels == LABELS


def test_an_adapter_of_another_base_is_refused(adapted, tmp_path, opened):
    folder, _ = adapted
    other = model_zoo.language_model("bert", tmp_path / "other", seed=9)
    with pytest.raises(CheckpointError, match="another base"):
        opened(folder, resolve=lambda key: other)
    lineage(folder, "adapter", {"key": "b" * 64})
    shrunk = model_zoo.language_model("distilbert", tmp_path / "distil")
    with pytest.raises(CheckpointError, match=r"does not fit its base|load the checkpoint|holds"):
        opened(folder, resolve=lambda key: shrunk)


def test_an_adapter_without_its_pooler_is_refused(tmp_path, zoo, opened):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(zoo("bert"), num_labels=3)
    get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"])).save_pretrained(tmp_path)
    lineage(tmp_path, "adapter", {"key": "b" * 64})
    with pytest.raises(CheckpointError, match=r"bert\.pooler\.dense\.weight[\s\S]*modules_to_save"):
        opened(tmp_path, resolve=lambda key: zoo("bert"))


def test_a_pickled_adapter_is_refused(adapted, zoo, opened):
    folder, _ = adapted
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(CheckpointError, match="pickle"):
        opened(folder, resolve=lambda key: zoo("bert"))


def test_an_adapter_of_someone_else_names_its_base(adapted, zoo, opened):
    folder, _ = adapted
    (folder / "checkpoint.json").unlink()
    asked = []
    model = opened(folder, resolve=lambda key: asked.append(key) or zoo("bert"))
    assert set(asked) == {str(zoo("bert"))}
    assert model.facts.labels == ("LABEL_0", "LABEL_1", "LABEL_2")


def test_a_linear_head_reads_mean_features(tmp_path, zoo, opened):
    from transformers import AutoModel, AutoTokenizer

    head = make_linear(tmp_path / "linear", zoo("bert"))
    model = opened(tmp_path / "linear", resolve=lambda key: zoo("bert"))
    encoder, tokenizer = AutoModel.from_pretrained(zoo("bert")), AutoTokenizer.from_pretrained(zoo("bert"))
    features = mean_features(zoo("bert"), TEXTS, resolve=lambda key: zoo("bert"), device="cpu")
    answers = dict(model.answer(Classify(text, LABELS) for text in TEXTS))
    for text, feature in zip(TEXTS, features, strict=True):
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=LENGTH)
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state[0, 1:-1].mean(0).double().numpy()
        np.testing.assert_allclose(feature, expected, atol=1e-5)
        logits = (expected - head.mean) / head.scale @ head.coef.T + head.intercept
        logprobs = logits - np.logaddexp.reduce(logits)
        np.testing.assert_allclose(answers[Classify(text, LABELS)].values, logprobs, atol=2e-4)


def test_a_linear_checkpoint_answers_likelihoods_as_its_parent(tmp_path, zoo, opened):
    make_linear(tmp_path / "linear", zoo("bert"))
    cache = tmp_path / "responses.sqlite"
    model = opened(tmp_path / "linear", resolve=lambda key: zoo("bert"), responses=cache)
    base = opened(zoo("bert"), responses=cache)
    assert model.facts.language_model == "masked"
    assert model.facts.digest != base.facts.digest
    request = PseudoLikelihood(TEXTS[0])
    assert dict(model.answer([request])) == dict(base.answer([request]))


def test_a_linear_head_of_another_width_is_refused(tmp_path, zoo, opened):
    make_linear(tmp_path / "linear", zoo("bert"), hidden=16)
    with pytest.raises(CheckpointError, match="32 features"):
        opened(tmp_path / "linear", resolve=lambda key: zoo("bert"))


def test_a_retrained_checkpoint_in_the_same_folder_has_another_digest(tmp_path, zoo):
    folder = tmp_path / "model"
    shutil.copytree(zoo("bert"), folder)
    before = checkpoint_digest(folder)
    assert before == checkpoint_digest(zoo("bert"))
    model_zoo.language_model("bert", folder, seed=3)
    after = checkpoint_digest(folder)
    assert after != before
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_version": "0", "_name_or_path": "x"}))
    assert checkpoint_digest(folder) == after
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.5}))
    assert checkpoint_digest(folder) != after


def test_a_tokenizer_saved_again_still_counts_as_the_same(tmp_path, zoo):
    from transformers import AutoTokenizer

    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    model_zoo.classifier("bert", first, LABELS)
    shutil.copytree(first, second)
    tokenizer = AutoTokenizer.from_pretrained(second)
    tokenizer(["one two", "three"], truncation=True, padding=True, max_length=3)
    tokenizer.save_pretrained(second)
    assert tokenizer_digest(second) == tokenizer_digest(first)
    shutil.copytree(first, third)
    page = json.loads((third / "tokenizer.json").read_text())
    page["model"]["vocab"]["zebra"] = page["model"]["vocab"].pop(list(page["model"]["vocab"])[-1])
    (third / "tokenizer.json").write_text(json.dumps(page))
    assert tokenizer_digest(third) != tokenizer_digest(first)
    assert checkpoint_digest(third) != checkpoint_digest(first)
