"""Every task with every architecture: trained, scored, exported, and held to plain transformers on its export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_support import model_zoo
from harness_support.stored_runs import small_info, small_results
from harness_support.training_samples import run_stage
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from harness.core.examples import AnswerSpan, LabeledText, TaggedWords
from harness.core.reporter import Silent
from harness.core.requests import Classify, ExtractSpan, Request, Response, Tag
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.pipeline.checkpoints.export_checkpoint import export_model
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.training.stage_inputs import StageInputs

ARCHITECTURES = ("bert", "albert", "roberta", "distilbert", "deberta", "gpt2", "llama", "t5")
LABELS = ("bad", "good", "mixed")
TAGS = ("O", "B-who", "B-what")
CONTEXT = "The nurse told the doctor that she was happy with the long report."
TOLERANCE = 1e-4
SINGLE = [
    ("The nurse told the doctor", 0, None),
    ("A short film about music can be good", 1, None),
    ("players", 2, None),
]
PAIRS = [
    ("The nurse told the doctor", 0, "that she was happy with the long report"),
    ("A short film", 1, "about music can be good, bad or simply unremarkable, about a doctor and a nurse and a report"),
    ("Don't worry", 2, "repaired"),
]
WORDS = [
    (("The", "nurse", "told", "the", "doctor"), ("O", "B-who", "O", "O", "B-who")),
    (("A", "short", "film", "about", "music"), ("O", "O", "B-what", "O", "B-what")),
    (("players",), ("B-who",)),
]
QUESTIONS = [("who was happy?", "nurse"), ("what was long?", "report"), ("who was told?", "doctor")]
Answers = dict[Request, Response]


def examples(task: str) -> tuple[list[Any], tuple[str, ...]]:
    """Training examples of a task, and its labels."""
    if task in {"single texts", "pairs"}:
        rows = SINGLE if task == "single texts" else PAIRS
        return [LabeledText(text, (label,), pair) for text, label, pair in rows], LABELS
    if task == "tags":
        return [TaggedWords(words, tags) for words, tags in WORDS], TAGS
    return [AnswerSpan(question, CONTEXT, ((CONTEXT.index(word), word),)) for question, word in QUESTIONS], ()


def classified(folder: Path, answer: Callable[[Sequence[Request]], Answers], rows: Sequence[Any]) -> None:
    """Log-probabilities and labels of texts and pairs are those of `model(**tokenizer(text, pair))`."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder)
    requests = [Classify(text, LABELS, pair) for text, _, pair in rows]
    answers = answer(requests)
    for request in requests:
        with torch.inference_mode():
            logits = model(**tokenizer(request.text, request.pair, return_tensors="pt")).logits[0].double()
        expected = torch.log_softmax(logits, dim=-1)
        values = answers[request].values
        assert list(values) == pytest.approx(expected.tolist(), abs=TOLERANCE)
        assert LABELS[values.index(max(values))] == model.config.id2label[int(expected.argmax())]


def tagged(folder: Path, answer: Callable[[Sequence[Request]], Answers]) -> None:
    """Tags and their log-probabilities are those of the words' first tokens."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForTokenClassification.from_pretrained(folder)
    spaced = "ByteLevel" in str(tokenizer.backend_tokenizer.pre_tokenizer)
    requests = [Tag(words, TAGS) for words, _ in WORDS]
    answers = answer(requests)
    for request in requests:
        words = [f" {word}" for word in request.words] if spaced else list(request.words)
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        owners = encoded.word_ids()
        first = [owners.index(place) for place in range(len(words))]
        with torch.inference_mode():
            expected = torch.log_softmax(model(**encoded).logits[0, first].double(), dim=-1)
        found = answers[request]
        assert list(found.labels) == [model.config.id2label[int(place)] for place in expected.argmax(dim=-1)]
        assert list(found.scores) == pytest.approx(expected.max(dim=-1).values.tolist(), abs=TOLERANCE)


def spanned(folder: Path, answer: Callable[[Sequence[Request]], Answers]) -> None:
    """The best span of the context's tokens, and its log-probability."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForQuestionAnswering.from_pretrained(folder)
    requests = [ExtractSpan(question, CONTEXT, 4, null_allowed=False) for question, _ in QUESTIONS]
    answers = answer(requests)
    for request in requests:
        encoded = tokenizer(request.question, request.context, return_tensors="pt")
        with torch.inference_mode():
            output = model(**encoded)
        inside = [place for place, owner in enumerate(encoded.encodings[0].sequence_ids) if owner == 1]
        start, end = (
            torch.log_softmax(logits[0, inside].double(), dim=-1) for logits in (output.start_logits, output.end_logits)
        )
        candidates = {
            (i, j): float(start[i] + end[j]) for i in range(len(inside)) for j in range(i, min(i + 4, len(inside)))
        }
        best = max(candidates, key=lambda places: candidates[places])
        assert answers[request].score == pytest.approx(candidates[best], abs=TOLERANCE)
        offsets = [encoded.encodings[0].offsets[inside[place]] for place in best]
        assert answers[request].text == CONTEXT[offsets[0][0] : offsets[1][1]].strip()


def parent(architecture: str, folder: Path) -> Path:
    """A language model with room for every text here; BERT's tokenizer returns token types, as ALBERT's does."""
    more = {} if architecture == "t5" else {"length": 96}
    model_zoo.language_model(architecture, folder, **more)
    tokenizer = model_zoo.typed_wordpiece() if architecture == "bert" else AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = 96
    tokenizer.save_pretrained(folder)
    return folder


def exported(folder: Path, target: Path) -> Path:
    """The checkpoint as `harness export` copies it out of a run."""
    run = RunDir(target.with_name("run"))
    run.write(small_results(), small_info().model_copy(update={"checkpoints": {"model": str(folder)}}))
    export_model(run, "model", target, Store(target.with_name("cache")))
    return target


@pytest.mark.parametrize("task", ["single texts", "pairs", "spans", "tags"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_records_are_those_of_a_plain_forward_pass_on_the_exported_folder(
    architecture: str, task: str, tmp_path: Path
) -> None:
    train, labels = examples(task)
    base = parent(architecture, tmp_path / "base")
    settings = {"from": "base", "task": "task", "epochs": 2, "batch_size": 2, "learning_rate": 1e-2}
    given = {"parent": base, "parent_key": "a" * 64, "parent_digest": "b" * 64, "data": {"task": "c" * 64}}
    inputs = StageInputs(train=train, labels=labels, **given)
    run_stage(FinetuneSpec.model_validate(settings), inputs, tmp_path / "tuned", Silent())

    def answer(requests: Sequence[Request]) -> Answers:
        model = open_model(tmp_path / "tuned", OpenContext(resolve=Path, responses=None, device="cpu"))
        return dict(model.answer(requests))

    folder = exported(tmp_path / "tuned", tmp_path / "exported")
    if task == "tags":
        tagged(folder, answer)
    elif task == "spans":
        spanned(folder, answer)
    else:
        classified(folder, answer, SINGLE if task == "single texts" else PAIRS)
