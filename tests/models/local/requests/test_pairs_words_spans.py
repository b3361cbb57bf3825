"""Heads that read pairs, words and contexts, against one plain forward of transformers each."""

from __future__ import annotations

import inspect
import json

import pytest
import torch
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import LENGTH, TEXTS
from harness_support.plain_reference import close
from transformers import (
    AutoModel,
    AutoModelForNextSentencePrediction,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from harness.core.requests import Classify, Embed, ExtractSpan, Failure, NextSentence, PseudoLikelihood, Tag, Tags

LABELS = ("a", "b", "c")
PAIRS = [("one", "two"), (TEXTS[0], "two"), ("one", TEXTS[1]), (TEXTS[0], TEXTS[1]), ("", "x"), (TEXTS[3], "")]


def without_types(model, inputs):
    if "token_type_ids" not in inspect.signature(model.forward).parameters:
        inputs.pop("token_type_ids", None)


@torch.no_grad()
def plain_logits(auto, folder, *texts):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(*([text] for text in texts), return_tensors="pt", truncation="longest_first", max_length=LENGTH)
    model = auto.from_pretrained(folder).eval()
    without_types(model, inputs)
    return model(**inputs).logits[0].double()


BYTES = ("gpt2", "neox", "qwen", "gpt_neo", "roberta", "bart")
"""Shapes with a byte-level tokenizer here."""
TAGGERS = [kind for kind in model_zoo.TOKENIZERS if kind not in {"bart", "gemma3"}]
READERS = [kind for kind in model_zoo.TOKENIZERS if kind not in {"gemma2", "gemma3"}]
"""Shapes that transformers has a token head, and a span head, for."""


@pytest.mark.parametrize(
    "kind", [kind for kind in model_zoo.TOKENIZERS if kind not in BYTES or kind in {"roberta", "bart"}]
)
def test_pairs_are_joined_as_the_tokenizer_joins_them(kind, tmp_path, opened):
    folder = model_zoo.with_head(kind, "sequence", tmp_path, LABELS)
    model = opened(folder)
    answers = dict(model.answer(Classify(text, LABELS, pair) for text, pair in PAIRS))
    for text, pair in PAIRS:
        expected = torch.log_softmax(plain_logits(AutoModelForSequenceClassification, folder, text, pair), dim=-1)
        assert all(map(close, answers[Classify(text, LABELS, pair)].values, expected.tolist())), (text, pair)
    assert answers[Classify(TEXTS[0], LABELS, TEXTS[1])].truncated > 0


def test_segments_are_told_apart(tmp_path, opened):
    """BERT's own template numbers the second text 1; the first must not read as the second."""
    folder = model_zoo.with_head("bert", "sequence", tmp_path, LABELS)
    page = json.loads((folder / "tokenizer.json").read_text())
    for piece in page["post_processor"]["pair"][3:]:
        next(iter(piece.values()))["type_id"] = 1
    (folder / "tokenizer.json").write_text(json.dumps(page))
    ((_, answer),) = opened(folder).answer([Classify("one two", LABELS, "three")])
    expected = torch.log_softmax(plain_logits(AutoModelForSequenceClassification, folder, "one two", "three"), dim=-1)
    assert all(map(close, answer.values, expected.tolist()))


def test_independent_labels_are_sigmoids(tmp_path, opened):
    folder = model_zoo.with_head("bert", "sequence", tmp_path, LABELS, problem_type="multi_label_classification")
    model = opened(folder)
    assert model.facts.labels == LABELS
    answers = dict(model.answer([Classify(TEXTS[0], ("c", "a"), independent=True), Classify(TEXTS[0], LABELS)]))
    logits = plain_logits(AutoModelForSequenceClassification, folder, TEXTS[0])
    found = answers[Classify(TEXTS[0], ("c", "a"), independent=True)].values
    expected = torch.nn.functional.logsigmoid(logits)[[2, 0]].tolist()
    assert all(map(close, found, expected))
    assert isinstance(answers[Classify(TEXTS[0], LABELS)], Failure)


def test_a_head_of_one_choice_is_not_asked_for_independent_labels(tmp_path, opened):
    folder = model_zoo.with_head("bert", "sequence", tmp_path, LABELS, problem_type="single_label_classification")
    ((_, answer),) = opened(folder).answer([Classify("one", LABELS, independent=True)])
    assert answer.reason == "unsupported"


def test_next_sentence(tmp_path, opened):
    folder = model_zoo.with_head("bert", "pretraining", tmp_path)
    model = opened(folder)
    assert {"next_sentence", "pseudo_likelihood", "cloze"} <= model.facts.supports
    answers = dict(model.answer(NextSentence(*pair) for pair in PAIRS))
    for pair in PAIRS:
        expected = torch.log_softmax(plain_logits(AutoModelForNextSentencePrediction, folder, *pair), dim=-1)
        assert all(map(close, answers[NextSentence(*pair)].values, expected.tolist()))
    ((_, answer),) = model.answer([PseudoLikelihood(TEXTS[1], "pll")])
    assert close(answer.total, plain_reference.Masked(folder, LENGTH).pll(TEXTS[1], "pll")[0])


WORDS = [tuple(text.split()) for text in TEXTS]
WORDS += [("one",), (), ("wheelbarrow's", "", "🙂"), ("[SEP]", "a"), tuple("abcdefgh" * 6)]


def plain_words(folder, words):
    """Tokens of a list of words and the word of each; byte-level tokenizers read every word behind a space."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not (set(json.loads((folder / "tokenizer.json").read_text())["pre_tokenizer"] or {}) & {"add_prefix_space"}):
        found = tokenizer(list(words), is_split_into_words=True, truncation=True, max_length=LENGTH)
        return found["input_ids"], found.word_ids(0)
    single = tokenizer("a")["input_ids"]
    content = tokenizer("a", add_special_tokens=False)["input_ids"]
    start = single.index(content[0])
    before, after = single[:start], single[start + len(content) :]
    each = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] if word else [] for word in words]
    ids = [token for part in each for token in part][: LENGTH - len(before) - len(after)]
    owners = [word for word, part in enumerate(each) for _ in part][: len(ids)]
    return [*before, *ids, *after], [*([None] * len(before)), *owners, *([None] * len(after))]


@torch.no_grad()
def plain_tags(folder, words):
    ids, owners = plain_words(folder, words)
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    rows = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].double(), dim=-1)
    found = []
    for word in range(len(words)):
        row = rows[owners.index(word)] if word in owners else None
        found.append(("", 0.0) if row is None else (LABELS[int(row.argmax())], row.max().item()))
    return found


@pytest.mark.parametrize("kind", TAGGERS)
def test_the_first_token_of_a_word_decides(kind, tmp_path, opened):
    folder = model_zoo.with_head(kind, "token", tmp_path, LABELS)
    model = opened(folder)
    assert (model.facts.tag_labels, model.facts.labels) == (LABELS, None)
    answers = dict(model.answer(Tag(row, LABELS) for row in WORDS))
    for row in WORDS:
        if not row or "[SEP]" in row:
            continue
        answer = answers[Tag(row, LABELS)]
        assert isinstance(answer, Tags)
        expected = plain_tags(folder, row)
        assert list(answer.labels) == [label for label, _ in expected], row
        assert all(map(close, answer.scores, (score for _, score in expected)))
    assert answers[Tag((), LABELS)] == Tags((), ())
    long = answers[Tag(WORDS[-1], LABELS)]
    assert long.truncated == long.labels.count("") > 0


def test_byte_level_words_have_a_space_before_them(tmp_path, opened):
    folder = model_zoo.with_head("roberta", "token", tmp_path, LABELS)
    model = opened(folder)
    encoder = model.backend.network.rows.words
    plain = model.backend.network.encoder.plain([" short film"])[0]
    assert encoder.tokens(("short", "film"))[0] == plain
    ((_, answer),) = model.answer([Tag(("short", "film"), ("b",))])
    assert answer.labels == ("b", "b")


def test_tag_labels_that_the_head_has_not_are_refused(tmp_path, opened):
    model = opened(model_zoo.with_head("bert", "token", tmp_path, LABELS))
    for _, answer in model.answer([Tag(("one",), ("a", "z")), Tag(("one",), ())]):
        assert answer.reason == "unsupported"


def around(kind):
    """Special tokens before, between and after two texts."""
    if kind in BYTES and kind not in {"roberta", "bart"}:
        return [], [], []
    tokenizer = model_zoo.TOKENIZERS[kind]()
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    if kind == "t5":
        return [], [tokenizer.eos_token_id], [tokenizer.eos_token_id]
    if tokenizer.bos_token_id is not None and end is None:
        return [tokenizer.bos_token_id], [tokenizer.bos_token_id], []
    return [start], [end, end] if kind in BYTES else [end], [end]


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("context", [TEXTS[3], " ".join(TEXTS), "one"])
def test_spans_equal_every_candidate_by_hand(kind, context, tmp_path, opened):
    folder = model_zoo.with_head(kind, "span", tmp_path)
    question = "who was happy"
    asked = len(AutoTokenizer.from_pretrained(folder)(question, add_special_tokens=False)["input_ids"])
    parts = around(kind)
    size = LENGTH - sum(map(len, parts)) - asked
    requests = [ExtractSpan(question, context, longest, null) for longest in (1, 4) for null in (True, False)]
    answers = dict(opened(folder).answer(requests))
    for request in requests:
        answer = answers[request]
        step = size - size // 2
        best, null = plain_reference.spans(folder, question, context, request.max_answer_tokens, size, step, parts)
        if request.null_allowed and not parts[0]:
            assert close(answer.score, best[0])
            assert answer.null_score is None
        elif request.null_allowed:
            assert close(answer.score, best[0])
            assert close(answer.null_score, null)
            won = null >= best[0]
            assert answer.text == ("" if won else context[answer.start : answer.end])
            if won:
                continue
        plain = context[best[1] : best[2]]
        assert answer.text == plain.strip() == context[answer.start : answer.end]
        assert best[1] <= answer.start <= answer.end <= best[2]


def test_spans_that_cannot_be(tmp_path, opened):
    model = opened(model_zoo.with_head("bert", "span", tmp_path))
    requests = [ExtractSpan("who", ""), ExtractSpan("who", "a b", 0), ExtractSpan(" ".join(TEXTS), TEXTS[0])]
    answers = dict(model.answer(requests))
    assert [answers[request].reason for request in requests[:2]] == ["no_token", "no_token"]
    assert answers[requests[2]].truncated > 0


@pytest.mark.parametrize("kind", ["bert", "gpt2", "t5", "gemma2"])
def test_embeddings_are_those_of_one_text_at_a_time(kind, zoo, opened):
    tokenizer, model = AutoTokenizer.from_pretrained(zoo(kind)), AutoModel.from_pretrained(zoo(kind)).eval()
    if kind == "t5":
        model = model.get_encoder()
    requests = [Embed(text, pooling) for text in [*TEXTS, "one"] for pooling in ("mean", "first")]
    for request, answer in opened(zoo(kind)).answer(requests):
        ids = tokenizer(request.text, return_tensors="pt", truncation=True, max_length=LENGTH)["input_ids"]
        with torch.no_grad():
            states = model(input_ids=ids).last_hidden_state[0].double()
        expected = states[0] if request.pooling == "first" else states.mean(0)
        torch.testing.assert_close(torch.tensor(answer.values).double(), expected, atol=1e-4, rtol=1e-4)


def test_every_head_of_one_folder_is_found(tmp_path, opened):
    """A tagger that keeps its language model and BERT's next-sentence head; architectures decide the rest."""
    from safetensors.torch import load_file, save_file

    folder = model_zoo.with_head("bert", "token", tmp_path / "a", LABELS)
    other = model_zoo.with_head("bert", "pretraining", tmp_path / "b")
    tensors = load_file(other / "model.safetensors")
    tensors |= load_file(folder / "model.safetensors")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    facts = opened(folder).facts
    assert facts.tag_labels == LABELS
    assert {"tag", "pseudo_likelihood", "cloze", "next_sentence", "embed", "top_completions", "rank"} == facts.supports
