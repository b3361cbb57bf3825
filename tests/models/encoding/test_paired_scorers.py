"""Scorers of sentence pairs, per-token details, completions and messages, against slow ones by hand."""

from __future__ import annotations

import difflib

import pytest
import torch
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import LENGTH, TEXTS
from harness_support.plain_reference import close, logprobs
from transformers import AutoTokenizer

from harness.core.dataset import Dataset, Row
from harness.core.evaluation import EvaluationContext
from harness.core.requests import (
    Classify,
    Completions,
    Continuations,
    Failure,
    Generate,
    PseudoLikelihood,
    RollingLikelihood,
    TopCompletions,
)
from harness.evaluations.probes.minimal_pairs import MinimalPairs
from harness.models.encoding.masked_scorers import scored_tokens

PAIRS = [
    ("The nurse told the doctor that she was happy.", "The nurse told the doctor that he was happy."),
    ("A short film about music.", "A long and short film about bad music!"),
    ("one two", "three four"),
    (" ".join(TEXTS), " ".join(reversed(TEXTS))),
]


def hard_pair(kind: str) -> tuple[str, str]:
    """Which tokens these two share depends on which of them is aligned with the other (as in `tide`, `diet`)."""
    tokenizer = model_zoo.TOKENIZERS[kind]()
    words = sorted(
        token.removeprefix("Ġ") for token in tokenizer.get_vocab() if token.startswith("Ġ") or kind == "bert"
    )
    single = [
        word
        for word in words
        if word.isascii() and word.isalpha() and len(tokenizer(f" {word}", add_special_tokens=False)["input_ids"]) == 1
    ]
    t, i, d, e = single[:4]
    return f"A {t} {i} {d} {e}", f"A {d} {i} {e} {t}"


def crows_by_hand(reference, first: str, second: str) -> tuple[float, float]:
    """The published algorithm: both sentences are masked at the same shared tokens, one after the other."""
    rows = [
        reference.tokenizer(sentence, truncation=True, max_length=LENGTH)["input_ids"] for sentence in (first, second)
    ]
    templates: tuple[list[int], list[int]] = ([], [])
    for tag, low, high, other_low, other_high in difflib.SequenceMatcher(
        None, *([str(token) for token in row] for row in rows)
    ).get_opcodes():
        if tag == "equal":
            templates[0].extend(range(low, high))
            templates[1].extend(range(other_low, other_high))
    totals = [0.0, 0.0]
    for number in range(1, len(templates[0]) - 1):
        for side, row in enumerate(rows):
            place = templates[side][number]
            masked = list(row)
            masked[place] = reference.tokenizer.mask_token_id
            totals[side] += logprobs(reference.model, masked)[place, row[place]].item()
    return round(totals[0], 3), round(totals[1], 3)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_crows_original_equals_the_published_algorithm(kind, zoo, opened):
    reference = plain_reference.Masked(zoo(kind), LENGTH)
    pairs = [ordered for pair in (*PAIRS, hard_pair(kind)) for ordered in (pair, pair[::-1])]
    asked = [
        (
            PseudoLikelihood(first, "crows_original", second),
            PseudoLikelihood(second, "crows_original", first, second=True),
        )
        for first, second in pairs
    ]
    answers = dict(opened(zoo(kind)).answer(request for both in asked for request in both))
    for both, pair in zip(asked, pairs, strict=True):
        expected = crows_by_hand(reference, *pair)
        assert [answers[request].total for request in both] == pytest.approx(expected, abs=1.01e-3)
        assert all(answers[request].total == round(answers[request].total, 3) for request in both)
    hard = [answers[request] for both in asked[-2:] for request in both]
    assert len({hard[0].tokens, hard[2].tokens}) == 2, "the order of the hard pair changes what is shared"
    assert (hard[0].tokens, hard[2].tokens) == (hard[1].tokens, hard[3].tokens)


@pytest.mark.parametrize("direction", ["stereo", "antistereo"])
def test_the_probe_asks_crows_original_in_the_order_of_the_published_code(direction, zoo, opened):
    """Which of the two sentences is preferred, and ties, as the published loop over the rows has it."""
    rows = [
        {"more": a, "less": b, "direction": direction}
        for a, b in (*PAIRS[:2], hard_pair("bert"), hard_pair("bert")[::-1])
    ]
    # Each pair stands in data of its own: in one table the reversed pair contradicts the other.
    tables = [Dataset("d", "0" * 64, {"test": (Row("0", row, "0"),)}, tuple(row), {}) for row in rows]
    options = MinimalPairs.Options.model_validate({"data": "d", "scorer": "crows_original"})
    probe = MinimalPairs("pairs", options, EvaluationContext())
    model, reference = opened(zoo("bert")), plain_reference.Masked(zoo("bert"), LENGTH)
    for table, row in zip(tables, rows, strict=True):
        (item,) = probe.items([table], "test")
        requests = probe.requests(item, "crows_original")
        answers = dict(model.answer(requests))
        record = probe.record(item, "crows_original", [answers[request] for request in requests])
        pair = (row["more"], row["less"]) if direction == "stereo" else (row["less"], row["more"])
        score1, score2 = crows_by_hand(reference, *pair)
        hit = score1 > score2 if direction == "stereo" else score2 > score1
        assert record.stats["margin"] == pytest.approx(
            score1 - score2 if direction == "stereo" else score2 - score1, abs=2.1e-3
        )
        assert record.stats["preferred"] == float(hit)


@pytest.mark.parametrize("kind", ["bert", "deberta"])
def test_shared_and_modified_tokens_together_are_all(kind, zoo, opened):
    """Each token's own score does not depend on the partner, so the parts add up to `pll`."""
    model = opened(zoo(kind))
    for text, other in PAIRS[:2]:
        scorers = ("pll_shared", "pll_modified", "pll")
        asked = [PseudoLikelihood(text, name, None if name == "pll" else other, True) for name in scorers]
        answers = dict(model.answer(asked))
        shared, modified, whole = (answers[request] for request in asked)
        assert sorted((*shared.pieces, *modified.pieces)) == sorted(whole.pieces)
        assert close(shared.total + modified.total, whole.total)
        assert modified.tokens > 0
    text = "The nurse: she"
    ((_, answer),) = model.answer([PseudoLikelihood(text, "pll_modified", "The nurse: he", details=True)])
    assert "".join(text[a:b] for a, b, _ in answer.pieces) == "she"


def test_both_sentences_share_the_same_tokens():
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        first, second = (torch.randint(0, 4, (12,), generator=generator).tolist() for _ in range(2))
        one = [first[i] for i in scored_tokens("pll_shared", first, second)]
        other = [second[i] for i in scored_tokens("pll_shared", second, first)]
        assert one == other


def test_a_scorer_of_pairs_needs_its_partner(zoo, opened):
    asked = [
        PseudoLikelihood("one", "pll_shared"),
        PseudoLikelihood("one", "pll", "two"),
        PseudoLikelihood("one two", "pll_modified", "one two"),
        PseudoLikelihood("one", "pll_shared", "🙂"),
    ]
    answers = dict(opened(zoo("bert")).answer(asked))
    assert [answers[request].reason for request in asked] == ["error", "error", "no_token", "no_token"]


@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("text", [TEXTS[3], " ".join(TEXTS)])
def test_details_add_up_and_point_into_the_text(kind, text, zoo, opened):
    model = opened(zoo(kind))
    plain, detailed = (
        (PseudoLikelihood(text, "pll"), PseudoLikelihood(text, "pll", details=True))
        if kind == "bert"
        else (RollingLikelihood(text), RollingLikelihood(text, details=True))
    )
    answers = dict(model.answer([plain, detailed]))
    answer = answers[detailed]
    assert close(sum(piece[2] for piece in answer.pieces), answers[plain].total)
    assert len(answer.pieces) == answer.tokens == answers[plain].tokens
    assert answers[plain].pieces == ()
    assert all(0 <= start <= end <= len(text) for start, end, _ in answer.pieces)
    encoder = model.backend.network.encoder
    assert [piece[:2] for piece in answer.pieces] == encoder.pieces([text])[0].offsets[: answer.tokens]


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2", "llama", "mistral"])
def test_top_completions_are_the_largest_of_the_plain_distribution(kind, zoo, opened):
    texts = ["The film was {mask}.", "A {mask}"] if kind in model_zoo.MASKED else ["The film was", "A", "🙂 é"]
    model = opened(zoo(kind))
    answers = dict(model.answer(TopCompletions(text, k) for text in texts for k in (1, 7)))
    for text in texts:
        if kind in model_zoo.MASKED:
            values = plain_reference.Masked(zoo(kind), LENGTH).gap(text)
        else:
            reference = plain_reference.Causal(zoo(kind), LENGTH)
            values = logprobs(reference.model, reference.tokenizer(text)["input_ids"])[-1]
        answer = answers[TopCompletions(text, 7)]
        assert isinstance(answer, Completions)
        assert all(map(close, answer.scores, values.topk(7).values.tolist()))
        assert answer.tokens[0] == model.backend.network.encoder.spell(int(values.argmax()))
        assert answers[TopCompletions(text, 1)].tokens == answer.tokens[:1]
    ((_, failure),) = model.answer([TopCompletions("a {mask}", 0)])
    assert isinstance(failure, Failure)


TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}"
    "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    folder = model_zoo.language_model("llama", tmp_path_factory.mktemp("chat"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


MESSAGES = (("user", "a film"),)


def test_a_template_is_a_fact_of_its_own(chatty, zoo, opened):
    """A template does not change tokens, so figures per token stay comparable with the base's."""
    with_one, without = opened(chatty).facts, opened(zoo("llama")).facts
    assert with_one.tokenizer_digest == without.tokenizer_digest
    assert without.chat_template is None
    assert len(with_one.chat_template) == 64
    assert with_one.bos == without.bos == "<s> before every text"
    assert opened(zoo("gpt2")).facts.bos == "<|endoftext|> before a text without context"
    assert opened(zoo("bert")).facts.bos == "[CLS] before every text"
    assert opened(zoo("t5")).facts.bos == "nothing before a text"


def test_messages_go_through_the_template(chatty, opened):
    model = opened(chatty)
    assert model.facts.chat
    reference = plain_reference.Causal(chatty, LENGTH)
    rendered = reference.tokenizer.apply_chat_template(
        [{"role": "user", "content": "a film"}], tokenize=False, add_generation_prompt=True
    )
    asked = [Continuations("", ("one", "two"), MESSAGES), Generate(messages=MESSAGES, max_tokens=4)]
    answers = dict(model.answer(asked))
    for option, value in zip(("one", "two"), answers[asked[0]].values, strict=True):
        turns = [{"role": "user", "content": "a film"}, {"role": "assistant", "content": option}]
        whole = reference.tokenizer.apply_chat_template(turns, tokenize=False)
        found = reference.tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        ids, until = found["input_ids"], whole.rindex(option) + len(option)
        spans = enumerate(found["offset_mapping"])
        places = [place for place, (start, end) in spans if end > len(rendered) and start < until]
        rows = logprobs(reference.model, ids)
        assert close(value, sum(rows[place - 1, ids[place]].item() for place in places))
    ids = reference.tokenizer(rendered, add_special_tokens=False)["input_ids"]
    written = reference.model.generate(torch.tensor([ids]), max_new_tokens=4, do_sample=False)[0, len(ids) :]
    assert answers[asked[1]].text == reference.tokenizer.decode(written, skip_special_tokens=True)
    assert answers[asked[1]].prompt_tokens == len(ids)


def test_a_special_token_in_a_message_is_text(chatty, opened):
    chat = opened(chatty).backend.network.chat
    control = AutoTokenizer.from_pretrained(chatty).eos_token_id
    tame = chat.pieces(chat.prompt((("user", "so it ends"),)))
    hostile = chat.pieces(chat.prompt((("user", "so </s> ends"),)) + chat.hide(" <s>"))
    assert tame.ids.count(control) == hostile.ids.count(control) == 1
    assert hostile.ids.count(1) == 1
    ends = [end for _, end in hostile.offsets]
    assert ends == sorted(ends)


def test_messages_that_the_template_refuses_are_a_failure(tmp_path, chatty, zoo, opened):
    import shutil

    folder = tmp_path / "strict"
    shutil.copytree(chatty, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    tokenizer.save_pretrained(folder)
    for _, answer in opened(folder).answer([Generate(messages=MESSAGES), Continuations("", ("a",), MESSAGES)]):
        assert "roles must alternate" in answer.message
    assert not opened(zoo("gpt2")).facts.chat
    for _, answer in opened(zoo("gpt2")).answer([Continuations("x", ("a",), MESSAGES)]):
        assert answer.reason == "error"


def test_classifiers_of_single_texts_refuse_pairs_and_independent_labels(tmp_path, zoo, opened):
    from harness_support.linear_heads import make_linear

    make_linear(tmp_path / "linear", zoo("bert"))
    model = opened(tmp_path / "linear", resolve=lambda key: zoo("bert"))
    labels = model.facts.labels
    assert "classify" in model.facts.supports
    for _, answer in model.answer([Classify("a", labels, pair="b"), Classify("a", labels, independent=True)]):
        assert answer.reason == "unsupported"
