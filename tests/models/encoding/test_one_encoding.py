"""What is trained, scored and exported is what the saved tokenizer returns, as plain transformers reads the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from harness_support import model_zoo
from harness_support.training_samples import run_stage
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForNextSentencePrediction,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from harness.core.errors import CheckpointError
from harness.core.examples import AnswerSpan, LabeledText, PromptTarget, TaggedWords
from harness.core.reporter import Silent
from harness.core.requests import Classify, Continuations, Generate, NextSentence, RollingLikelihood
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.models.encoding.row_encoder import NO_TYPES, RowEncoder, longest_row, name_inputs, tokenized
from harness.models.encoding.span_windows import learned_windows, windows_of
from harness.models.encoding.text_encoder import TextEncoder
from harness.training.learners.labeled_batches import LabeledBatches, LabeledRows
from harness.training.loop.training_loop import Settings, parameter_groups
from harness.training.stage_inputs import StageInputs

LABELS = ("first", "second")
PAIRS = [
    ("The nurse told the doctor", "that she was happy"),
    ("a short film", "can be good, bad or simply unremarkable about music"),
    ("yesterday", "repaired"),
    ("Playing, played, players", "family words"),
]
TYPED = ("bert", "albert")
KINDS = ("bert", "albert", "roberta", "distilbert", "gpt2")


def parent(kind: str, folder: Path, *, types: bool = True) -> Path:
    """A language model; the tokenizers of those with token types return them, unless not wanted."""
    model_zoo.language_model(kind, folder)
    if kind in TYPED:
        tokenizer = model_zoo.typed_wordpiece()
        name_inputs(tokenizer, types=types)
        tokenizer.save_pretrained(folder)
    return folder


def tuned(base: Path, work: Path, train: list[object], labels: tuple[str, ...] = ()) -> Path:
    spec = FinetuneSpec.model_validate(
        {"from": "base", "task": "pairs", "epochs": 2, "batch_size": 4, "learning_rate": 1e-2}
    )
    inputs = StageInputs(
        train=train, labels=labels, parent=base, parent_key="a" * 64, parent_digest="b" * 64, data={"pairs": "c" * 64}
    )
    run_stage(spec, inputs, work, Silent())
    return work


@pytest.mark.parametrize("kind", KINDS)
def test_training_reads_what_the_tokenizer_returns(kind, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(parent(kind, tmp_path))
    rows = tokenized(tokenizer, [LabeledText(text, (0,), pair) for text, pair in PAIRS], model_zoo.LENGTH)
    for (text, pair), ids, types in zip(
        PAIRS, rows["input_ids"], rows["types"] if kind in TYPED else [None] * len(PAIRS), strict=True
    ):
        wanted = tokenizer(text, pair)
        assert ids == wanted["input_ids"]
        assert types == wanted.get("token_type_ids")
    targets = np.zeros(len(PAIRS), dtype=np.int64)
    data = LabeledBatches(LabeledRows(rows, targets, 0, typed=kind in TYPED), None, size=4, epochs=1, seed=0)
    assert ("token_type_ids" in data[0]) == (kind in TYPED)
    if kind in TYPED:
        assert int(data[0]["token_type_ids"].max()) == 1


def test_a_folder_whose_tokenizer_returns_no_types_is_read_without_and_says_so(tmp_path, opened):
    said: list[str] = []

    class Listening(Silent):
        def warn(self, message: str) -> None:
            said.append(message)

    examples = [LabeledText(text, (number % 2,), pair) for number, (text, pair) in enumerate(PAIRS)]
    folder = tuned(parent("bert", tmp_path / "base", types=False), tmp_path / "tuned", examples, LABELS)
    request = Classify(*PAIRS[0][:1], LABELS, pair=PAIRS[0][1])
    answer = dict(opened(folder, reporter=Listening()).answer([request]))[request]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        logits = model(**tokenizer(*PAIRS[0], return_tensors="pt")).logits[0].double()
    assert list(answer.values) == pytest.approx(torch.log_softmax(logits, dim=-1).tolist(), abs=1e-4)
    assert said == [NO_TYPES]


def test_next_sentences_are_asked_as_they_are_learned_and_exported(tmp_path, opened):
    spec = PretrainSpec.model_validate(
        {
            "data": ["tales"],
            "objective": "mlm_nsp",
            "architecture": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32},
            "tokenizer": {"vocabulary": 150},
            "budget": {"steps": 8},
            "sequence_length": 24,
            "batch_size": 4,
        }
    )
    texts = [" ".join(model_zoo.TEXTS[number:] + model_zoo.TEXTS[:number]) for number in range(5)] * 4
    run_stage(spec, StageInputs(texts={"tales": texts}, seed=0, data={"tales": "e" * 64}), tmp_path, Silent())
    request = NextSentence("the nurse told the doctor.", "a short film about music.")
    answer = dict(opened(tmp_path).answer([request]))[request]
    tokenizer, model = (
        AutoTokenizer.from_pretrained(tmp_path),
        AutoModelForNextSentencePrediction.from_pretrained(tmp_path),
    )
    encoded = tokenizer(request.first, request.second, return_tensors="pt")
    assert int(encoded["token_type_ids"].max()) == 1
    with torch.inference_mode():
        logits = model(**encoded).logits[0].double()
    assert list(answer.values) == pytest.approx(torch.log_softmax(logits, dim=-1).tolist(), abs=1e-4)


def test_long_questions_are_cut_alike_in_learning_and_in_asking(tmp_path):
    encoder = TextEncoder(AutoTokenizer.from_pretrained(parent("bert", tmp_path)))
    question = "told the doctor that she was happy with the long report and the nurse"
    for context in ("the nurse was happy", "the nurse was happy " * 8):
        limit = 22
        learned = list(learned_windows(encoder, [AnswerSpan(question, context, ())], limit))
        planned = windows_of(RowEncoder(encoder), *encoder.plain([question, context]), limit)
        assert planned is not None
        assert [row["input_ids"] for row in learned] == [window.row.ids for window in planned[0]]
        assert max(len(row["input_ids"]) for row in learned) <= limit


def test_positions_of_roberta_begin_behind_the_padding(tmp_path, opened):
    folder = parent("roberta", tmp_path / "base")
    model, encoder = AutoModelForMaskedLM.from_pretrained(folder), TextEncoder(AutoTokenizer.from_pretrained(folder))
    assert longest_row(model, encoder) == model_zoo.LENGTH
    long = " ".join(model_zoo.TEXTS)
    made = tuned(folder, tmp_path / "tuned", [LabeledText(long, (0,)), LabeledText(long, (1,))], LABELS)
    assert opened(made).facts.max_length == model_zoo.LENGTH


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_learned_targets_are_scored_as_plain_transformers_does(kind, tmp_path, opened):
    examples = [PromptTarget(f" {pair}", prompt=text) for text, pair in PAIRS]
    folder = tuned(parent(kind, tmp_path / "base"), tmp_path / "tuned", examples)
    text, target = PAIRS[0][0], f" {PAIRS[0][1]}"
    request = Continuations(text, (target,))
    answer = dict(opened(folder).answer([request]))[request]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        if kind == "t5":
            encoded = tokenizer(text, return_tensors="pt")
            labels = tokenizer(target, return_tensors="pt")["input_ids"]
            logits = AutoModelForSeq2SeqLM.from_pretrained(folder)(**encoded, labels=labels).logits[0]
        else:
            ids = tokenizer(text + target, return_tensors="pt")["input_ids"]
            logits = AutoModelForCausalLM.from_pretrained(folder)(ids).logits[0, :-1]
            labels = ids[:, 1:]
            before = len(tokenizer(text)["input_ids"]) - 1
            logits, labels = logits[before:], labels[:, before:]
    expected = torch.log_softmax(logits.double(), dim=-1).gather(1, labels[0][:, None]).sum()
    assert answer.values[0] == pytest.approx(float(expected), abs=1e-3)


@pytest.mark.parametrize("kind", ["bert", "albert", "roberta", "distilbert", "deberta", "gpt2", "llama", "t5", "bart"])
def test_rates_and_decay_find_the_embeddings_of_every_architecture(kind, tmp_path):
    families = {AutoModelForMaskedLM: model_zoo.MASKED, AutoModelForSeq2SeqLM: model_zoo.SEQ2SEQ}
    auto = next((auto for auto, those in families.items() if kind in those), AutoModelForCausalLM)
    model = auto.from_pretrained(parent(kind, tmp_path))
    groups = parameter_groups(model, Settings(learning_rate=1.0, seed=0, embedding_rate=0.5, decay=0.01))
    words = model.get_input_embeddings().weight
    assert [(group["lr"], group["weight_decay"]) for group in groups if any(p is words for p in group["params"])] == [
        (0.5, 0.0)
    ]
    tables = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    decayed = [weight for group in groups if group["weight_decay"] for weight in group["params"]]
    assert decayed
    assert not any(weight is table for weight in decayed for table in tables)


def padded_beyond(folder: Path, kind: str = "llama") -> Path:
    """A model whose tokenizer got a padding token for which the embedding has no row."""
    model_zoo.language_model(kind, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "<filler>"})
    tokenizer.save_pretrained(folder)
    rows = AutoModelForCausalLM.from_pretrained(folder).get_input_embeddings().weight.shape[0]
    assert tokenizer.pad_token_id >= rows
    return folder


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_padding_token_beyond_the_embedding_changes_no_answer(kind, tmp_path, opened):
    texts = ["a film", "The nurse told the doctor that she was happy", "good"]
    requests = [RollingLikelihood(text) for text in texts] + [Generate(text, max_tokens=5) for text in texts]
    requests += [Continuations(text, (" good", " bad, or good")) for text in texts]
    plain = dict(opened(model_zoo.language_model(kind, tmp_path / "plain")).answer(requests))
    beyond = dict(opened(padded_beyond(tmp_path / "beyond", kind)).answer(requests))
    for request in requests[3:6]:
        assert beyond[request].text == plain[request].text
    for request in (*requests[:3], *requests[6:]):
        values = [getattr(found[request], "values", None) or [found[request].total] for found in (plain, beyond)]
        assert list(values[1]) == pytest.approx(list(values[0]), abs=1e-4)


@pytest.mark.parametrize(
    "examples",
    [
        [LabeledText(text, (number % 2,), pair) for number, (text, pair) in enumerate(PAIRS)],
        [TaggedWords(tuple(text.split()), ("O",) * len(text.split())) for text, _ in PAIRS],
        [AnswerSpan("who?", text, ((0, text.split()[0]),)) for text, _ in PAIRS],
        [PromptTarget(f" {pair}", prompt=text) for text, pair in PAIRS],
    ],
    ids=["texts", "tags", "spans", "prompts"],
)
def test_a_padding_token_beyond_the_embedding_is_learned_around(examples, tmp_path, opened):
    labels = {"tagged_words": ("O", "B-x"), "labeled_text": LABELS}.get(examples[0].kind, ())
    folder = tuned(padded_beyond(tmp_path / "base"), tmp_path / "tuned", examples, labels)
    if labels == LABELS:
        texts = [Classify(text, LABELS, pair) for text, pair in PAIRS if len(text + str(pair)) < 50]
        assert len(texts) == 3
        answers = dict(opened(folder).answer(texts))
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for request in texts:
            with torch.inference_mode():
                logits = model(**tokenizer(request.text, request.pair, return_tensors="pt")).logits[0].double()
            expected = torch.log_softmax(logits, dim=-1).tolist()
            assert list(answers[request].values) == pytest.approx(expected, abs=1e-4)


def test_other_tokens_beyond_the_embedding_are_refused(tmp_path, opened):
    folder = padded_beyond(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<|turn|>"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(CheckpointError, match="token ids up to"):
        opened(folder)


def test_a_causal_classifier_reads_the_last_token_beside_padding_with_the_id_zero(tmp_path):
    """Rows filled up with token 0 are read at their last word, as rows of their own are."""
    tokenizer = model_zoo.llama_tokenizer()
    tokenizer.pad_token = "<unk>"
    base = model_zoo.language_model("llama", tmp_path / "base")
    tokenizer.save_pretrained(base)
    assert tokenizer.pad_token_id == 0
    examples = [LabeledText(text, (number % 2,)) for number, (text, _) in enumerate(PAIRS)]
    folder = tuned(base, tmp_path / "tuned", examples, LABELS)
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = [text for text, _ in PAIRS]
    with torch.inference_mode():
        together = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
        alone = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits for text in texts])
    assert together.tolist() == [pytest.approx(row, abs=1e-4) for row in alone.tolist()]
