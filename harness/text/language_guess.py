"""Which language texts are in, by their script and their commonest words: a guess, for warnings and forms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_TOKEN = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH = _words(
    "the of and to it that this with for was be are you he she they not but by from have has my his her their if "
    "were will would there what said which who your its could about when just like one"
)
"""The commonest words of English: about a third of running text, and rare in every other language."""
_WORDS = {
    "en": _ENGLISH,
    "de": _words("der die das und ist nicht ein eine ich mit auf für sich dem den von zu auch wird war"),
    "fr": _words("le les des est une dans que qui pas pour sur avec il elle au ce cette mais sont du et"),
    "es": _words("el los las que es una por con para no su al lo como más pero del y muy fue"),
    "it": _words("il che di è una per non con sono della gli alla più ma anche questo come del nel era"),
    "pt": _words("que não uma com para os as do da em por mais mas foi como ao ele ela são você"),
    "nl": _words("het een van en is dat niet op te zijn met voor aan er maar ook als bij was ik"),
    "sv": _words("och är det som en på av till att inte har jag han hon vi men ett om var sig"),
    "da": _words("og er det som en på af til at ikke har jeg han hun vi men et om sig blev"),
    "no": _words("og er det som en på av til å ikke har jeg han hun vi men et om seg ble"),
}
"""The commonest words of languages in Latin letters, few of which are words of another."""
_SCRIPTS = (
    ("ja", "\u3040", "\u30ff"),
    ("ko", "\uac00", "\ud7a3"),
    ("zh", "\u4e00", "\u9fff"),
    ("ru", "\u0400", "\u04ff"),
    ("ar", "\u0600", "\u06ff"),
    ("he", "\u0590", "\u05ff"),
    ("el", "\u0370", "\u03ff"),
    ("hi", "\u0900", "\u097f"),
    ("th", "\u0e00", "\u0e7f"),
)
"""Language that is the likeliest behind a script, and the script's first and last letter; Japanese has Han too."""
_ENGLISH_SHARE = 0.05
_COMMON_SHARE = 0.08
_ENOUGH_TOKENS = 60
_LOOKED_AT = 500


def is_foreign(texts: Iterable[str]) -> bool:
    """Whether texts are hardly English: its commonest words are rare, or those of another language are more frequent.

    False where there are too few words to tell.
    """
    tokens = letters = latin = 0
    counts: Counter[str] = Counter()
    for number, text in enumerate(texts):
        if number == _LOOKED_AT:
            break
        for token in _TOKEN.findall(text.lower()):
            tokens += 1
            counts.update(name for name, words in _WORDS.items() if token in words)
            letters += len(token)
            latin += sum(character < "\u0250" for character in token)
    if letters >= 2 * _ENOUGH_TOKENS and latin < letters / 2:
        return True
    return tokens >= _ENOUGH_TOKENS and (counts["en"] / tokens < _ENGLISH_SHARE or max(counts.values()) > counts["en"])


def guess_language(texts: Iterable[str]) -> str | None:
    """The likeliest language as a BCP 47 tag; None where there is too little to tell, or none of those known here."""
    letters: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    tokens = total = 0
    for number, text in enumerate(texts):
        if number == _LOOKED_AT:
            break
        for token in _TOKEN.findall(text.lower()):
            tokens += 1
            total += len(token)
            if token[0] >= "\u0250":
                letters.update(name for name, low, high in _SCRIPTS if any(low <= letter <= high for letter in token))
            counts.update(name for name, words in _WORDS.items() if token in words)
    if letters and total and sum(letters.values()) * 2 > tokens:
        # Japanese is written in Han too, so a fair share of kana decides.
        return "ja" if letters["ja"] * 5 > letters["zh"] else max(letters, key=lambda name: letters[name])
    if tokens < _ENOUGH_TOKENS or not counts:
        return None
    name, most = counts.most_common(1)[0]
    return name if most / tokens >= _COMMON_SHARE else None


def language_warnings(texts: Iterable[str], what: str) -> list[str]:
    """Marks figures of English lists on texts in another language.

    Args:
        what: the lists (`the built-in swaps`).
    """
    if not is_foreign(texts):
        return []
    return [f"the texts seem not to be in English, and {what} are made for English: the figures say little."]
