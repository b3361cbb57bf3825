"""Slow, obvious scoring: one text, one copy, one plain forward at a time, in float64 after the logits."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)


def close(found: float, expected: float) -> bool:
    return abs(found - expected) <= 1e-4 + 2e-6 * abs(expected)


@torch.no_grad()
def logprobs(model, ids):
    return torch.log_softmax(model.eval()(input_ids=torch.tensor([ids])).logits[0].double(), dim=-1)


class Masked:
    def __init__(self, folder: Path, max_length: int) -> None:
        self.model = AutoModelForMaskedLM.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_length = max_length

    def words(self, text: str, encoding) -> list[int]:
        """By hand: a word ends at white space and where the pre-tokenizer ends it."""
        spaces = [sum(c.isspace() for c in text[: max(start, end - 1)]) for start, end in encoding.offsets]
        keys = list(zip(encoding.word_ids, spaces, strict=True))
        return [0] + [int(a != b) for a, b in itertools.pairwise(keys)]

    def pll(self, text: str, scorer: str) -> tuple[float, int]:
        encoding = self.tokenizer(text, truncation=True, max_length=self.max_length).encodings[0]
        content = [i for i, special in enumerate(encoding.special_tokens_mask) if not special]
        begins = self.words(text, encoding)
        total = 0.0
        for i in content:
            ids = list(encoding.ids)
            ids[i] = self.tokenizer.mask_token_id
            j = i + 1
            while scorer == "pll_word_l2r" and j in content and not begins[j]:
                ids[j] = self.tokenizer.mask_token_id
                j += 1
            total += logprobs(self.model, ids)[i, encoding.ids[i]].item()
        return total, len(content)

    def gap(self, text: str) -> torch.Tensor:
        ids = self.tokenizer(text.replace("{mask}", self.tokenizer.mask_token))["input_ids"]
        return logprobs(self.model, ids)[ids.index(self.tokenizer.mask_token_id)]


class Causal:
    def __init__(self, folder: Path, max_length: int) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_length = max_length
        bos = self.tokenizer.bos_token_id
        self.prefix = bos if bos is not None else self.tokenizer.eos_token_id

    def rolling(self, text: str) -> tuple[float, int]:
        ids = [self.prefix, *self.tokenizer(text, add_special_tokens=False)["input_ids"]]
        total, scored = 0.0, 1
        while scored < len(ids):
            last = min(len(ids) - 1, scored + self.max_length - 1)
            begin = max(0, last - self.max_length)
            values = logprobs(self.model, ids[begin:last])
            for i in range(scored, last + 1):
                total += values[i - 1 - begin, ids[i]].item()
            scored = last + 1
        return total, len(ids) - 1

    def continuation(self, context: str, option: str, first: int | None = None) -> float:
        """`first`: index of the first scored token; by default the first that ends after a context."""
        context_end = len(context.rstrip())
        found = self.tokenizer(context + option, return_offsets_mapping=True)
        ids = found["input_ids"]
        specials = found.encodings[0].special_tokens_mask
        if first is None:
            ends = [end for _, end in found["offset_mapping"]]
            first = next(i for i, end in enumerate(ends) if not specials[i] and (end > context_end or not context_end))
        if first == 0:
            ids, first = [self.prefix, *ids], 1
        cut = max(0, len(ids) - 1 - self.max_length)
        head = sum(specials)
        ids = ids[:head] + ids[head + cut :]
        values = logprobs(self.model, ids[:-1])
        return sum(values[i - 1, ids[i]].item() for i in range(first - cut, len(ids)))


class Classifier:
    def __init__(self, folder: Path, max_length: int) -> None:
        self.model = AutoModelForSequenceClassification.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_length = max_length

    def classify(self, text: str) -> list[float]:
        ids = self.tokenizer(text, truncation=True, max_length=self.max_length)["input_ids"]
        return logprobs(self.model, ids).tolist()


class Seq2Seq:
    def __init__(self, folder: Path, max_length: int) -> None:
        self.model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_length = max_length

    @torch.no_grad()
    def target(self, context: str, option: str) -> float:
        """As in training: the loss of the tokenizer's own labels, times their number."""
        source = self.tokenizer(context, return_tensors="pt", truncation=True, max_length=self.max_length)["input_ids"]
        labels = self.tokenizer(text_target=option, return_tensors="pt")["input_ids"]
        loss = self.model(input_ids=source, labels=labels).loss
        return -loss.item() * labels.shape[1]


@torch.no_grad()
def generated(folder: Path, prompt: str, max_tokens: int, *, seq2seq: bool = False) -> tuple[str, list[int], float]:
    """Text, tokens and their log-likelihood of one greedy generation by transformers itself."""
    auto = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
    model, tokenizer = auto.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    found = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_tokens,
        do_sample=False,
        num_beams=1,
        output_logits=True,
        return_dict_in_generate=True,
    )
    tokens = found.sequences[0, 1 if seq2seq else ids.shape[1] :].tolist()
    rows = [torch.log_softmax(logits[0].double(), dim=-1) for logits in found.logits]
    total = sum(row[token].item() for row, token in zip(rows, tokens, strict=True))
    return tokenizer.decode(tokens, skip_special_tokens=True), tokens, total


@torch.no_grad()
def spans(folder: Path, question: str, context: str, longest: int, size: int, step: int, around):
    """Every candidate of every window by hand: (best score, start, end) and the score of no answer.

    `around`: special tokens before, between and after; without one before, "no answer" takes no part.
    """
    model, tokenizer = (
        AutoModelForQuestionAnswering.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    encoded = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
    tokens, offsets = encoded["input_ids"], encoded["offset_mapping"]
    asked = tokenizer(question, add_special_tokens=False)["input_ids"]
    starts, ends, nulls, candidates = [], [], [], []
    for first in range(0, len(tokens), step):
        part = tokens[first : first + size]
        head = [*around[0], *asked, *around[1]]
        ids = torch.tensor([[*head, *part, *around[2]]])
        typed = {}
        if "token_type_ids" in tokenizer.model_input_names:
            typed = {"token_type_ids": torch.tensor([[0] * len(head) + [1] * (len(part) + len(around[2]))])}
        found = model(input_ids=ids, **typed)
        start, end = found.start_logits[0].double(), found.end_logits[0].double()
        places = range(len(head), len(head) + len(part))
        starts += [*start[: 1 if around[0] else 0].tolist(), *(start[i].item() for i in places)]
        ends += [*end[: 1 if around[0] else 0].tolist(), *(end[i].item() for i in places)]
        nulls.append((start[0] + end[0]).item())
        for i in places:
            for j in range(i, min(i + longest, len(head) + len(part))):
                low, high = first + i - len(head), first + j - len(head)
                candidates.append(((start[i] + end[j]).item(), offsets[low][0], offsets[high][1]))
        if first + size >= len(tokens):
            break
    total = torch.tensor(starts).double().logsumexp(0).item() + torch.tensor(ends).double().logsumexp(0).item()
    score, begin, end = max(candidates, key=lambda candidate: candidate[0])
    return (score - total, begin, end), min(nulls) - total
