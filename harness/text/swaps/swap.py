"""`swap`: the counterfactual variants of a text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.errors import SuiteError, unknown
from harness.text.lexicons.lexicon import Lexicon
from harness.text.swaps.edits import Swapped, apply
from harness.text.swaps.gender import gender_edits
from harness.text.swaps.listed_words import MIXED, swap_lexicon, swap_names

KINDS = ("gender", "names")
# The suite's page speaks of race_names; results always say `names`.
_ALIASES = {"race_names": "names"}


def swap(text: str, kinds: Sequence[str | Lexicon] = KINDS) -> list[Swapped]:
    """The text about other people, once per group that it can be moved to.

    Args:
        text: any English text; addresses, @mentions and #hashtags stay as they are.
        kinds: `gender` swaps all gendered words and given names together (one variant at most);
            `names` gives each given name to every other group of names, same gender and length;
            a `Lexicon` swaps the words of its groups.

    Returns:
        The variants, in the order of `kinds` and groups; empty when nothing can be swapped safely.

    Raises:
        SuiteError: for an unknown kind.
    """
    swaps: list[Swapped] = []
    for kind in kinds:
        if isinstance(kind, Lexicon):
            swaps += swap_lexicon(text, kind)
        elif _ALIASES.get(kind, kind) == "names":
            swaps += swap_names(text)
        elif kind == "gender":
            swaps += _gender(text)
        else:
            raise SuiteError(
                unknown("kind of swap", kind, KINDS), hint="choose a built-in swap, or provide a lexicon as a CSV file."
            )
    return swaps


def _gender(text: str) -> list[Swapped]:
    edits = gender_edits(text)
    groups = {edit.group for edit in edits if edit.group is not None}
    source, target = (MIXED, MIXED)
    if len(groups) == 1:
        source, target = ("male", "female") if groups == {"male"} else ("female", "male")
    swapped = apply(text, edits, "gender", source, target)
    return [] if swapped is None else [swapped]
