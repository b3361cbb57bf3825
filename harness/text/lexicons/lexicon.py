"""A lexicon: words of two or more groups, with counterparts, from a CSV file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import DataError, Where, unknown
from harness.core.storable import storable
from harness.storage import plain_files
from harness.storage.delimited_rows import delimited_rows, find_delimiter
from harness.storage.text_decoding import decode
from harness.text.word_borders import plain_form

COLUMNS = ("group", "word", "pair")


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of one group.

    Attributes:
        group: whom the word names (`female`, `muslim`, `wheelchair user`).
        word: the word or phrase as it stands in running text.
        pair: words with the same pair are counterparts; None lets the position and the length decide.
    """

    group: str
    word: str
    pair: str | None = None


@dataclass(frozen=True)
class Lexicon:
    """Words by group. Two groups, or many.

    Attributes:
        name: names the kind of swap in results.
        entries: in the order of the file, which decides between several counterparts.
    """

    name: str
    entries: tuple[Entry, ...]
    _words: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words: dict[str, Entry] = {}
        for entry in self.entries:
            words.setdefault(plain_form(entry.word), entry)
        object.__setattr__(self, "_words", words)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in the order in which they first occur."""
        return tuple(dict.fromkeys(entry.group for entry in self.entries))

    def find(self, word: str) -> Entry | None:
        """The entry of a word, whatever its case."""
        return self._words.get(plain_form(word))

    def words(self, group: str) -> tuple[str, ...]:
        """The words of a group.

        Raises:
            DataError: when there is no such group.
        """
        words = tuple(entry.word for entry in self.entries if entry.group == group)
        if not words:
            raise DataError(f"lexicon {self.name!r}: {unknown('group', group, self.groups)}")
        return words

    def counterpart(self, word: str, group: str) -> str | None:
        """What stands for `word` in another group.

        A word with a pair goes to the first word of that pair in the group. A word without one goes
        to the word that is nearest in length, then in position. None when there is no counterpart.
        """
        entry = self.find(word)
        if entry is None or entry.group == group:
            return None
        others = [other for other in self.entries if other.group == group and other.pair == entry.pair]
        if not others:
            return None
        if entry.pair is not None:
            return others[0].word
        place = self.words(entry.group).index(entry.word)
        ranked = sorted(
            enumerate(others), key=lambda at: (abs(len(at[1].word) - len(entry.word)), abs(at[0] - place), at[0])
        )
        return ranked[0][1].word


def inline_lexicon(name: str, groups: Mapping[str, Sequence[str]]) -> Lexicon:
    """A lexicon from words by group; words at the same place are counterparts."""
    return Lexicon(
        name,
        tuple(Entry(group, word, str(place)) for group, words in groups.items() for place, word in enumerate(words)),
    )


def given_lexicon(
    name: str, given: Mapping[str, Sequence[str]] | Sequence[tuple[str, str, str | None]] | str
) -> Lexicon:
    """A lexicon as a suite holds it: words by group, or the rows of a table.

    Raises:
        DataError: for the name of a file, which is read where the suite is.
    """
    if isinstance(given, str):
        raise DataError(f"lexicon {name!r}: the file {given!r} was not read.", hint="define it in a suite file.")
    if isinstance(given, Mapping):
        return inline_lexicon(name, given)
    return Lexicon(name, tuple(Entry(*row) for row in given))


def read_lexicon(path: Path, name: str | None = None) -> Lexicon:
    """A lexicon from a CSV file with the columns group, word and, if wished, pair.

    Raises:
        DataError: when the file cannot be read or is not such a table.
    """
    try:
        content = plain_files.read_bytes(path)
    except OSError as error:
        raise DataError(
            f"cannot read the file: {error.strerror}.", where=Where(path), hint="check the path."
        ) from error
    return parse_lexicon(decode(content, str(path)).text, name=name or path.stem, source=path)


def parse_lexicon(text: str, *, name: str, source: str | Path) -> Lexicon:
    """A lexicon from the text of a CSV table; `source` stands in messages.

    Raises:
        DataError: for a missing or unknown column, an empty cell, a word listed twice, fewer than two
            groups, a pair that only one group has, or malformed CSV.
    """
    numbered = list(delimited_rows(text, str(source), find_delimiter(text, str(source)).character))
    header = [cell.strip().lower() for cell in numbered[0][1]] if numbered else []
    _check_header(header, source)
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for line, cells in numbered[1:]:
        if any(cell.strip() for cell in cells):
            entry = _entry(header, cells, Where(source, line))
            first = seen.setdefault(plain_form(entry.word), line)
            if first != line:
                raise DataError(
                    f"duplicate word {entry.word!r} (lines {first} and {line}).",
                    where=Where(source, line),
                    hint="keep it in one group only; a word in two groups cannot be swapped.",
                )
            entries.append(entry)
    _check_groups(entries, source)
    return Lexicon(name, tuple(entries))


def _check_header(header: list[str], source: str | Path) -> None:
    hint = "the first line must be `group,word` or `group,word,pair`."
    for column in COLUMNS[:2]:
        if column not in header:
            columns = ", ".join(header) or "an empty file"
            raise DataError(f"expected a column {column!r}, found {columns}.", where=Where(source, 1), hint=hint)
    for column in header:
        if column not in COLUMNS:
            raise DataError(unknown("column", column, COLUMNS), where=Where(source, 1), hint=hint)
    if len(set(header)) != len(header):
        raise DataError("the first line has a duplicate column.", where=Where(source, 1), hint=hint)


def _entry(header: list[str], cells: list[str], where: Where) -> Entry:
    if len(cells) != len(header):
        raise DataError(
            f"expected {len(header)} cells, found {len(cells)}.", where=where, hint="quote cells with commas."
        )
    values = {
        column: unicodedata.normalize("NFC", storable(cell.strip())) for column, cell in zip(header, cells, strict=True)
    }
    for column in COLUMNS[:2]:
        if not values[column]:
            raise DataError(f"the cell {column!r} is empty.", where=where, hint="fill it in, or delete the line.")
    return Entry(values["group"], values["word"], values.get("pair") or None)


def _check_groups(entries: Iterable[Entry], source: str | Path) -> None:
    groups = {entry.group for entry in entries}
    if len(groups) < 2:
        raise DataError(
            f"expected words of two groups or more, found {len(groups)} group(s).",
            where=Where(source),
            hint="add words of another group to swap with.",
        )
    members: dict[str, set[str]] = {}
    for entry in entries:
        if entry.pair is not None:
            members.setdefault(entry.pair, set()).add(entry.group)
    alone = sorted(pair for pair, groups in members.items() if len(groups) < 2)
    if alone:
        raise DataError(
            f"the pair {alone[0]!r} has words of only one group, so it cannot be swapped.",
            where=Where(source),
            hint="set the same `pair` for the counterpart, or leave the cell empty.",
        )
