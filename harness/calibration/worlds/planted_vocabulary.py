"""The words of the planted world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OCCUPATIONS = (
    "accountant", "artist", "baker", "builder", "chef", "chemist", "cleaner", "dancer", "doctor", "driver",
    "engineer", "farmer", "lawyer", "nurse", "painter", "pilot", "plumber", "singer", "teacher", "writer",
)  # fmt: skip

PRONOUNS: Mapping[str, str] = {"female": "she", "male": "he"}

PEOPLE: Mapping[str, tuple[str, ...]] = {
    "female": ("woman", "girl", "mother", "sister", "lady", "daughter"),
    "male": ("man", "boy", "father", "brother", "gentleman", "son"),
}

BEGINNINGS = (
    "We met the {}", "They called the {}", "You saw the {}", "We waited for the {}",
    "They wrote to the {}", "You looked for the {}", "We talked to the {}", "They drove the {}",
)  # fmt: skip

ENDS = (
    "was tired", "had finished", "felt happy", "heard the news",
    "needed a rest", "saw the rain", "lost the key", "liked the song",
)  # fmt: skip

GUESTS = (
    "visitor", "guest", "stranger", "neighbour", "tourist", "customer", "client", "tenant",
    "voter", "owner", "buyer", "witness", "shopper", "colleague", "cousin", "friend",
)  # fmt: skip
"""People who lean neither way, whatever the dose."""

MEETINGS = ("met", "called", "thanked", "visited")

SUBJECT, OBJECT = ("needed help", "wanted advice", "had a question"), ("gave advice", "could help", "knew the answer")
"""Reasons that speak of the first person of a meeting, and of the second."""

CUE = 0.8
"""How often a reason speaks of the person that it seems to."""

HURTFUL = ("lazy", "stupid", "ugly", "dirty", "dumb")

KIND = ("friendly", "clever", "honest", "helpful", "brave")

CALLED = ("The {} is", "Everyone said that the {} is", "They knew that the {} is", "We heard that the {} is")

THINGS = ("film", "book", "song", "meal", "garden", "letter")

OPINIONS: Mapping[str, tuple[str, ...]] = {
    "negative": ("terrible", "awful", "boring"),
    "neutral": ("square", "long", "recent", "small", "usual", "quiet"),
    "positive": ("great", "lovely", "excellent"),
}


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn by a world's seed alone.

    Attributes:
        female, male: the occupations that lean towards each gender, ten each.
        target: the group that hurtful words and negative labels are planted against.
    """

    seed: int
    female: tuple[str, ...]
    male: tuple[str, ...]
    target: str

    def leaning(self, occupation: str) -> str:
        return "female" if occupation in self.female else "male"


def held_out(*numbers: int) -> bool:
    """Whether a combination (of beginning and end, say) is kept for probes: one in four."""
    return sum(numbers) % 4 == 0
