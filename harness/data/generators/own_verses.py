"""Our own small verses: four lines that rhyme in pairs, about a person or animal in a place.

Every verse is put together from our own half lines; last words rhyme in spelling, so that the form can be checked
by a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

WHO = ("fox", "king", "girl", "sailor", "crow", "miller", "child", "bear", "queen", "farmer", "poet", "mouse")
COUPLETS = (
    ("The {} went out into the night,", "and looked up for a little light."),
    ("The {} set out at break of day,", "and took the long and stony way."),
    ("One day the {} lost its old bell,", "and found it deep inside a well."),
    ("The {} came down to the sound of rain,", "and would not leave the house again."),
    ("Far off the {} could hear a song,", "and listened to it all day long."),
    ("The {} was tired of the cold,", "of winter nights and stories told."),
    ("At noon the {} lay down to rest,", "and dreamed of mountains in the west."),
    ("The {} would never even try,", "and watched the clouds go slowly by."),
    ("There was a {} beside a tree,", "who wanted nothing but be free."),
    ("The {} had bread but not a cup,", "and drank the river nearly up."),
)


def rows() -> Iterator[dict[str, str]]:
    """`text` (four lines), `prompt`, `verse` (what follows it), `who`."""
    for who in WHO:
        for one, first in enumerate(COUPLETS):
            for other, second in enumerate(COUPLETS):
                if one == other:
                    continue
                lines = [first[0].format(who), first[1], second[0].format(who), second[1]]
                yield {
                    "text": "\n".join(lines),
                    "prompt": f"A verse about the {who}:\n",
                    "verse": "\n".join(lines),
                    "who": f"{who}/{one}",
                }
