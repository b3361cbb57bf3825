"""Our own small verses: four lines about a person or animal and two things, in one of three rhyme schemes.

Every verse is put together from two of our own couplets; last words rhyme in spelling, so that the form can be
checked by a rule. The test split has combinations of a subject and a scheme that training does not have, so that
repeating the most similar known verse keeps no form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

WHO = (
    *("fox", "king", "girl", "sailor", "crow", "miller", "child", "bear"),
    *("queen", "farmer", "poet", "mouse", "horse", "baker", "prince", "dog"),
    *("cat", "wolf", "hunter", "shepherd", "weaver", "tailor", "giant", "goat"),
    *("lamb", "swan", "duke", "nurse", "robin", "pilgrim", "drummer", "gardener"),
)
COUPLETS = {
    "night": ("The {} went out into the night,", "and looked up for a little light."),
    "day": ("The {} set out at break of day,", "and took the long and stony way."),
    "bell": ("One time the {} lost its old bell,", "and found it deep inside a well."),
    "rain": ("The {} came down to the sound of rain,", "and would not leave the house again."),
    "song": ("Far off the {} could hear a song,", "and listened to it all week long."),
    "winter": ("The {} was tired of winter's cold,", "of heavy coats and stories told."),
    "noon": ("At noon the {} lay down to rest,", "and dreamed of mountains in the west."),
    "clouds": ("The {} would never even try,", "and watched the clouds go slowly by."),
    "tree": ("There was a {} beside a tree,", "who wanted nothing but be free."),
    "bread": ("The {} had bread but not a cup,", "and drank the river nearly up."),
}
SCHEMES = {"AABB": (0, 1, 2, 3), "ABAB": (0, 2, 1, 3), "ABBA": (0, 2, 3, 1)}
_EVERY = 6
"""One of so many pairs of couplets is taken for each subject and scheme: more pairs would be more items, but not more
units of independence."""


def rows() -> Iterator[dict[str, str]]:
    """`text` (four lines), `prompt`, `verse` (what follows it), `constraints` (JSON), `scheme`, `made_of`."""
    topics = list(COUPLETS)
    for number, who in enumerate(WHO):
        for place, (scheme, order) in enumerate(SCHEMES.items()):
            for own, first in enumerate(topics):
                for other, second in enumerate(topics):
                    if own == other or (own + 2 * other + number + place) % _EVERY:
                        continue
                    lines = [line.format(who) for line in (*COUPLETS[first], *COUPLETS[second])]
                    verse = "\n".join(lines[at] for at in order)
                    wanted = [{"lines": 4}, {"rhyme": scheme}, *({"contains": word} for word in (who, first, second))]
                    yield {
                        "text": verse,
                        "prompt": f"{scheme}: {who}, {first}, {second}",
                        "verse": verse,
                        "constraints": json.dumps(wanted),
                        "scheme": scheme,
                        "made_of": f"{who}/{scheme}",
                    }
