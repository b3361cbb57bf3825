"""What a stage does against bias in what it learns from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from harness.schema.suite.types import Strict

Swap = Literal["gender", "names"]
RESERVED_SWAPS = ("gender", "names", "race_names")


LexiconTable = list[tuple[str, str, str | None]]
"""Rows with group, word, and pair. Words with the same pair are counterparts."""


def _lexicons(value: dict[str, dict[str, list[str]] | LexiconTable | str]) -> dict[str, Any]:
    for name, given in value.items():
        if name in RESERVED_SWAPS:
            raise ValueError(f"the lexicon {name!r} has the name of a built-in swap; choose another name")
        if isinstance(given, str):
            continue
        if isinstance(given, dict):
            check_groups(f"the lexicon {name!r}", given)
        elif len({group for group, _, _ in given}) < 2:
            raise ValueError(f"the lexicon {name!r} needs two groups or more")
    return value


def check_groups(what: str, groups: dict[str, list[str]]) -> None:
    """Checks words by group, whose places say which are counterparts.

    Raises:
        ValueError: for fewer than two groups, groups of different sizes, an empty word or a duplicate.
    """
    if len(groups) < 2:
        raise ValueError(f"{what} needs two groups or more, found {len(groups)}")
    if len({len(words) for words in groups.values()}) != 1:
        sizes = ", ".join(f"{group}: {len(words)}" for group, words in groups.items())
        raise ValueError(f"{what} needs equally many words in each group, found {sizes}")
    words = [word.strip().casefold() for group in groups.values() for word in group]
    if not words or "" in words or len(set(words)) != len(words):
        raise ValueError(f"{what} needs non-empty words, each exactly once and in one group only")


def _unread(value: str) -> str:
    raise ValueError(f"the file {value!r} was not read, which only a suite file has done")


CsvFile = Annotated[str, Field(pattern=r"\.csv$"), AfterValidator(_unread)]
"""The path of a CSV file beside the suite: read before anything is validated."""
Lexicons = Annotated[dict[str, dict[str, list[str]] | LexiconTable | CsvFile], AfterValidator(_lexicons)]
"""name → {group: words}, words at the same place being counterparts, or the rows of a table; in a suite file also the
path of a CSV file, which is read before."""
LEXICONS_HELP = (
    "Your own swaps: name: {group: words}, where words at the same position are counterparts; or name: a CSV file "
    "next to the suite with the columns group, word, and optionally pair (equal values mark counterparts)."
)


class AugmentSpec(Strict):
    """Counterfactual data augmentation: training texts beside the same texts about other people."""

    swap: list[Swap] = Field(default_factory=list, description="Built-in swaps: gender, names.")
    lexicons: Lexicons = Field(default_factory=dict, description=LEXICONS_HELP)
    share: float = Field(1.0, gt=0, le=1, description="Fraction of the counterparts to use (chosen by hash).")
    originals: Literal["keep", "replace"] = Field(
        "keep", description="Whether a swapped text is added to its original or replaces it (one per text)."
    )
    except_labels: list[str] = Field(
        default_factory=list, description="Labels that a swap would invalidate; rows with these labels are not swapped."
    )

    @model_validator(mode="after")
    def _swaps_something(self) -> AugmentSpec:
        if not self.swap and not self.lexicons:
            raise ValueError("expected something to swap: `swap` (gender, names) or `lexicons`")
        return self


class ReweighSpec(Strict):
    """Reweighing (Kamiran and Calders 2012): groups and labels count as if they were independent."""

    groups: dict[str, list[str]] = Field(
        default_factory=dict, description="Words for each group. Defaults to the built-in gendered words."
    )
    column: str | None = Field(None, description="Column of the task's data that holds each row's group.")

    @model_validator(mode="after")
    def _one_source(self) -> ReweighSpec:
        if self.groups and self.column is not None:
            raise ValueError("give `groups` or `column`, not both")
        if self.groups and len(self.groups) < 2:
            raise ValueError(f"expected words of two groups or more, found {len(self.groups)}")
        for group, words in self.groups.items():
            if not words or any(not word.strip() for word in words):
                raise ValueError(f"the group {group!r} has no word, or an empty one")
        return self


class TextMitigation(Strict):
    """What pretraining can do against bias in its texts, and alignment in its preference pairs."""

    augment: Swap | AugmentSpec | None = Field(
        None, description="Counterfactual data augmentation: `gender`, `names`, or detailed settings."
    )

    @property
    def augmenting(self) -> AugmentSpec | None:
        """The settings of the augmentation, `augment: gender` written out."""
        return AugmentSpec(swap=[self.augment]) if isinstance(self.augment, str) else self.augment

    @model_validator(mode="after")
    def _does_something(self) -> TextMitigation:
        if not any(getattr(self, name) is not None for name in type(self).model_fields):
            raise ValueError(f"expected one of {', '.join(type(self).model_fields)}")
        return self


class Mitigation(TextMitigation):
    """What a stage that learns a task can do against bias in its rows."""

    reweigh: Literal["gender"] | ReweighSpec | None = Field(
        None, description="Row weights by group and label: `gender`, or the groups."
    )

    @property
    def reweighing(self) -> ReweighSpec | None:
        """The settings of the weights, `reweigh: gender` written out."""
        return ReweighSpec() if isinstance(self.reweigh, str) else self.reweigh

    @model_validator(mode="after")
    def _known_groups(self) -> Mitigation:
        weights = self.reweighing
        if weights is not None and weights.column is not None and self.augment is not None:
            raise ValueError(
                "`reweigh: {column}` cannot determine the groups of swapped texts; define `groups` by words"
            )
        return self


def mitigation_words(mitigate: TextMitigation | None, dropout: float | None = None) -> str:
    """What a model does against bias, and its dropout where the suite names one, to stand behind its label."""
    words = []
    if mitigate is not None and mitigate.augmenting is not None:
        words.append("with counterfactual augmentation")
    if isinstance(mitigate, Mitigation) and mitigate.reweigh is not None:
        words.append("with reweighed rows")
    if dropout is not None:
        words.append(f"with dropout {dropout:g}")
    return "".join(f", {word}" for word in words)
