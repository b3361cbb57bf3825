"""A WordPiece tokenizer trained on a stage's own texts (Schuster and Nakajima 2012; Devlin et al. 2019)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.core.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# A word seen once teaches nothing and would only crowd out pieces that recur.
_MIN_FREQUENCY = 2
# Rarer characters become the unknown token.
_LETTERS = 400


def train_tokenizer(
    texts: Iterable[tuple[str, int]], *, vocabulary: int, lowercase: bool, max_length: int
) -> PreTrainedTokenizerFast:
    """Trains a WordPiece tokenizer; the same texts give the same tokenizer.

    Args:
        texts: (text, how often it counts), read once.
        vocabulary: number of pieces, special tokens included (fewer when the texts have fewer).
        lowercase: whether upper and lower case are one.
        max_length: longest sequence of the model, special tokens included.

    Returns:
        A `transformers.PreTrainedTokenizerFast` with BERT's special tokens.

    Raises:
        DataError: when the vocabulary is too small to hold more than the special tokens.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    splitter = pre_tokenizers.BertPreTokenizer()
    normal = [(normalizer.normalize_str(_clean(text)), times) for text, times in texts]
    letters = _letters(text for text, _ in normal)
    if vocabulary < len(SPECIAL_TOKENS) + 2 * len(letters) or not letters:
        raise DataError(
            f"a vocabulary of {vocabulary} pieces is too small for {len(letters)} different characters.",
            hint="8000 is a good starting point.",
        )
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.pre_tokenizer = splitter
    # The trainer numbers inner letters in the order of a hash table, and breaks ties by number. Named
    # first as special tokens they have fixed numbers, and the same texts give the same vocabulary.
    fixed = [*SPECIAL_TOKENS, *letters, *(f"##{letter}" for letter in letters)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=_MIN_FREQUENCY,
        special_tokens=fixed,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    known = set(letters)
    rare = {
        ord(letter)
        for letter in set().union(*(text for text, _ in normal))
        if letter not in known and not letter.isspace()
    }
    drop = dict.fromkeys(rare)
    trained.train_from_iterator((text.translate(drop) for text, times in normal for _ in range(times)), trainer)

    backend = Tokenizer(models.WordPiece(trained.get_vocab(), unk_token="[UNK]"))
    backend.normalizer = normalizer
    backend.pre_tokenizer = splitter
    places = {token: place for place, token in enumerate(SPECIAL_TOKENS)}
    backend.post_processor = processors.BertProcessing(("[SEP]", places["[SEP]"]), ("[CLS]", places["[CLS]"]))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _letters(texts: Iterable[str]) -> list[str]:
    """The characters of all texts by falling frequency, at most `_LETTERS`; ties by code point."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    ordered = sorted(
        (letter for letter in counts if not letter.isspace()), key=lambda letter: (-counts[letter], letter)
    )
    return ordered[:_LETTERS]
