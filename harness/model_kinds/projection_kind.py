"""Models that stand on another one and change how it answers: nothing of it is trained again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from harness.schema.suite.mitigation import CsvFile, LexiconTable, Swap, check_groups
from harness.schema.suite.types import Count, Strict


def _groups(value: dict[str, list[str]]) -> dict[str, list[str]]:
    check_groups("`remove`", value)
    return value


class ProjectSpec(Strict):
    """A model whose hidden states lose what tells groups apart (INLP, SentenceDebias)."""

    from_: str = Field(alias="from", description="The model whose hidden states are projected.")
    data: list[str] = Field(
        min_length=1, description="Names of the suite's data; their training texts show where the groups differ."
    )
    remove: Swap | Annotated[dict[str, list[str]], AfterValidator(_groups)] | LexiconTable | CsvFile = Field(
        "gender",
        description="`gender`, `names`, or {group: words}, words at the same place being counterparts; or a CSV file "
        "with the columns group, word and, if wished, pair, beside the suite.",
    )
    method: Literal["inlp", "sentence_debias"] = "inlp"
    directions: int | None = Field(
        None, ge=1, description="At most so many are removed (INLP: until nothing tells the groups); 1 for the other."
    )
    texts: Count = Field(2000, description="At most so many texts are read (chosen by hash).")
    seed: int | None = None

    @property
    def removed(self) -> str:
        """What is removed, for people: `gender`, or the groups of own words."""
        if isinstance(self.remove, str):
            return self.remove
        groups = self.remove if isinstance(self.remove, dict) else [group for group, _, _ in self.remove]
        return "/".join(dict.fromkeys(groups))


class ProjectModel(Strict):
    project: ProjectSpec
