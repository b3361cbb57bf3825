"""Masked language modeling with next-sentence prediction, as BERT was pretrained (Devlin et al. 2019).

A row is a pair of segments that begin and end at sentences. In half of the pairs the second
segment follows the first; in the other half it stands somewhere in another document. The model
is transformers' BertForPreTraining: its pair head's first logit is "follows".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from harness.core.errors import DataError
from harness.model_kinds.flop_shapes import Shape
from harness.models.encoding.row_encoder import TYPES, RowEncoder
from harness.models.encoding.text_encoder import text_encoder
from harness.training.loop.planned_batches import padded
from harness.training.loop.training_loop import Batch
from harness.training.objectives.corpus import Documents, shares
from harness.training.objectives.masked_objective import MaskedModeling
from harness.training.objectives.objective import Pretraining, PretrainingPlan
from harness.training.objectives.token_masking import MaskVocabulary, mask_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

FOLLOWS, ELSEWHERE = 0, 1
_HELD_SHARE = 0.05
_HELD_PAIRS = 256
_MOST_HELD = 200
_SPECIAL = 3
_ENDS = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of two segments, and whether the second one follows."""

    first: Sequence[int]
    second: Sequence[int]
    answer: int


class Pairs:
    """Planned batches of masked pairs.

    Attributes:
        held: pairs of documents that training does not see.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        held: Sequence[Pair],
        *,
        size: int,
        rate: float,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
    ) -> None:
        self.held = held
        self._pairs = pairs
        self._size = size
        self._rate = rate
        self._seed = seed
        encoder = text_encoder(tokenizer)
        self._rows = RowEncoder(encoder)
        self._tokens = MaskVocabulary.of(tokenizer)
        pad = int(tokenizer.pad_token_id or 0)
        self._pad = pad if pad < self._tokens.size else 0

    def __len__(self) -> int:
        return math.ceil(len(self._pairs) / self._size)

    def tokens(self, place: int) -> int:
        return sum(_length(pair) for pair in self._chosen(place))

    def __getitem__(self, place: int) -> Batch:
        return self.masked(self._chosen(place), (self._seed, place))

    def operations(self, shape: Shape) -> float:
        total = 0.0
        for place in range(len(self)):
            tokens, rows = self.tokens(place), len(self._chosen(place))
            total += shape.stack(shape.layers, tokens, tokens / rows) + shape.head(tokens * self._rate)
            total += rows * 2 * shape.hidden * (shape.hidden + 2)
        return total

    def masked(self, pairs: Sequence[Pair], key: Sequence[int]) -> Batch:
        """A batch of these pairs, masked by `key`."""
        batch = self.plain(pairs)
        masked = mask_tokens(
            batch["input_ids"].numpy(),
            self._tokens,
            rate=self._rate,
            key=key,
        )
        batch["input_ids"] = torch.from_numpy(masked.ids)
        batch["masked"], batch["targets"] = torch.from_numpy(masked.where), torch.from_numpy(masked.targets)
        return batch

    def plain(self, pairs: Sequence[Pair]) -> Batch:
        """The same without masks: the pairs as they are asked, padded to the longest."""
        rows = [self._rows.pair(list(pair.first), list(pair.second), None) for pair in pairs]
        ids, attention = padded([row.ids for row in rows], self._pad)
        answers = np.asarray([pair.answer for pair in pairs], dtype=np.int64)
        arrays = {"input_ids": ids, "attention_mask": attention, "follows": answers}
        if self._rows.encoder.typed:
            arrays[TYPES] = padded([row.types or [] for row in rows], 0)[0]
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _chosen(self, place: int) -> Sequence[Pair]:
        return self._pairs[place * self._size : (place + 1) * self._size]


def _length(pair: Pair) -> int:
    return len(pair.first) + len(pair.second) + _SPECIAL


def sentence_ends(document: Sequence[int], ends: frozenset[int]) -> list[int]:
    """Places after which a document may be cut: behind a sentence's last token, none at its very end."""
    return [place + 1 for place, token in enumerate(document[:-1]) if token in ends]


def draw_pairs(
    documents: Documents, ends: frozenset[int], *, count: int, length: int, random: np.random.Generator
) -> Iterator[Pair]:
    """Pairs in random order: half follow each other, half are of two documents.

    Args:
        documents: token ids.
        ends: tokens that end a sentence.
        count: how many pairs.
        length: longest row, three special tokens included.

    Raises:
        DataError: when fewer than two documents have two sentences.
    """
    cuts = [
        (place, sentence_places)
        for place, document in enumerate(documents)
        if (sentence_places := sentence_ends(document, ends))
    ]
    if len(cuts) < 2:
        raise DataError(
            "next-sentence prediction needs two or more documents of two or more sentences each.",
            hint="use texts with whole passages, or `objective: mlm`.",
        )
    room = (length - _SPECIAL) // 2
    weights = np.asarray([len(ends) for _, ends in cuts], dtype=np.float64)
    drawn = random.choice(len(cuts), size=count, p=weights / weights.sum())
    for number in drawn.tolist():
        place, sentence_places = cuts[number]
        cut = sentence_places[int(random.integers(len(sentence_places)))]
        first = documents[place][max(0, cut - room) : cut]
        if random.random() < 0.5:
            yield Pair(first, documents[place][cut : cut + room], FOLLOWS)
            continue
        other = int(random.integers(len(cuts) - 1))
        place, sentence_places = cuts[other + (other >= number)]
        cut = sentence_places[int(random.integers(len(sentence_places)))]
        yield Pair(first, documents[place][cut : cut + room], ELSEWHERE)


class NextSentence(MaskedModeling):
    """BERT with both of its heads."""

    auto_class = "AutoModelForPreTraining"

    def plan(self, work: Pretraining, model: PreTrainedModel, *, rows: int) -> Pairs:
        tokenizer, corpus, chosen, seed = work.tokenizer, work.corpus, work.chosen, work.seed
        ends = frozenset(token for end in _ENDS if (token := tokenizer.convert_tokens_to_ids(end)) is not None)
        ends -= {tokenizer.unk_token_id}
        pairs: list[Pair] = []
        held: list[Pair] = []
        for number, (name, wanted) in enumerate(shares(corpus, work.spec.weights, rows).items()):
            random = np.random.default_rng([seed, number])
            order = random.permutation(len(corpus.documents[name])).tolist()
            # At least two documents are held out, for a pair of two needs them.
            cut = min(max(2, round(_HELD_SHARE * len(order))), _MOST_HELD, max(0, len(order) - 2))
            parts = [[corpus.documents[name][place] for place in part] for part in (order[:cut], order[cut:])]
            pairs.extend(draw_pairs(parts[1], ends, count=wanted, length=chosen.sequence_length, random=random))
            try:
                held.extend(draw_pairs(parts[0], ends, count=_HELD_PAIRS, length=chosen.sequence_length, random=random))
            except DataError:
                continue
        order = np.random.default_rng([seed, len(pairs)]).permutation(len(pairs))[:rows].tolist()
        return Pairs(
            [pairs[place] for place in order],
            held,
            size=chosen.batch_size,
            rate=chosen.mlm_probability,
            tokenizer=tokenizer,
            seed=seed,
        )

    def loss(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        hidden = model.bert(**{name: batch[name] for name in ("input_ids", "attention_mask", TYPES) if name in batch})
        words = model.cls.predictions(hidden.last_hidden_state[batch["masked"]])
        pairs = model.cls.seq_relationship(hidden.pooler_output)
        return functional.cross_entropy(words, batch["targets"]) + functional.cross_entropy(pairs, batch["follows"])

    def facts(self, model: PreTrainedModel, plan: PretrainingPlan) -> dict[str, object]:
        """`nsp_accuracy` on unmasked held-out pairs, half of which follow each other, and their number."""
        if not isinstance(plan, Pairs) or not plan.held:
            return {}
        device = next(model.parameters()).device
        right = 0
        model.eval()
        with torch.inference_mode():
            for first in range(0, len(plan.held), 32):
                batch = {name: tensor.to(device) for name, tensor in plan.plain(plan.held[first : first + 32]).items()}
                answers = batch.pop("follows")
                pooled = model.bert(**batch).pooler_output
                right += int((model.cls.seq_relationship(pooled).argmax(dim=-1) == answers).sum())
        return {"nsp_accuracy": right / len(plan.held), "nsp_pairs": len(plan.held)}


OBJECTIVE = NextSentence()
