"""The groups of a probe: by words of the suite, of a table, or our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.core.dataset import Dataset
from harness.core.errors import DataError
from harness.evaluations.columns import text_of
from harness.text.lexicons.group_words import GroupWords, own_gender_words


def words_of_options(groups: Mapping[str, Sequence[str]], table: Dataset | None) -> GroupWords:
    """The groups of a probe: written in the suite, from a table with the columns group and word, or our own.

    Raises:
        DataError: fewer than two groups, or an empty word.
    """
    if table is None and not groups:
        return own_gender_words()
    merged: dict[str, list[str]] = {group: list(words) for group, words in groups.items()}
    if table is not None:
        table.require("group")
        table.require("word")
        for rows in table.rows.values():
            for row in rows:
                group, word = (text_of(table, row, name, empty=False) for name in ("group", "word"))
                merged.setdefault(group.strip(), []).append(word)
    empty = [group for group, words in merged.items() if not words or any(not word.strip() for word in words)]
    if empty:
        raise DataError(f"the group {empty[0]!r} has no word, or an empty one.", hint="fill it in, or remove it.")
    if len(merged) < 2:
        raise DataError(
            f"expected words of two groups or more, found {len(merged)}.", hint="add words of another group."
        )
    return GroupWords({group: tuple(dict.fromkeys(words)) for group, words in merged.items()})
