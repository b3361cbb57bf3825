"""Models that stand on another one and change how it answers: nothing of it is trained again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from harness.core.model_kind import CheckpointFormat, ModelKind
from harness.schema.suite.mitigation import CsvFile, LexiconTable, Swap, check_groups
from harness.schema.suite.types import Count, Strict


def _groups(value: dict[str, list[str]]) -> dict[str, list[str]]:
    check_groups("`remove`", value)
    return value


class ProjectSpec(Strict):
    """A model whose hidden states lose what tells groups apart (INLP, SentenceDebias)."""

    from_: str = Field(alias="from", description="Model whose hidden states are projected.")
    data: list[str] = Field(
        min_length=1,
        description="Names from the suite's `data`; the group directions are estimated on the training texts.",
    )
    remove: Swap | Annotated[dict[str, list[str]], AfterValidator(_groups)] | LexiconTable | CsvFile = Field(
        "gender",
        description="`gender`, `names`, or {group: words}, where words at the same position are counterparts; or a "
        "CSV file next to the suite with the columns group, word, and optionally pair.",
    )
    method: Literal["inlp", "sentence_debias"] = "inlp"
    directions: int | None = Field(
        None,
        ge=1,
        description="Maximum number of directions to remove (the other method removes 1).",
    )
    texts: Count = Field(2000, description="Read at most this many texts (chosen by hash).")
    seed: int | None = None

    @property
    def removed(self) -> str:
        """What is removed, for people: `gender`, or the groups of own words."""
        if isinstance(self.remove, str):
            return self.remove
        groups = self.remove if isinstance(self.remove, dict) else [group for group, _, _ in self.remove]
        return "/".join(dict.fromkeys(groups))


class ProjectKind(ModelKind[ProjectSpec]):
    """`project`: directions taken out of hidden states."""

    name = "project"
    Options = ProjectSpec
    goal = "remove group information"
    summary = "A model with group information projected out of its hidden states (INLP, SentenceDebias)."
    train = "harness.training.stages.projection_stage:project"
    audited = False
    formats = (
        CheckpointFormat(
            "projected",
            opener="harness.models.derived.projection_backend:open_projected",
            loads_with="transformers.{base_model}.from_pretrained({base}), then project the directions in "
            "projection.safetensors out of its last hidden states",
            files=("projection.safetensors", "projection.json"),
            stands_on_parent=True,
        ),
    )

    def label(self, options: ProjectSpec) -> str:
        """What is removed, and how."""
        method = {"inlp": "INLP", "sentence_debias": "SentenceDebias"}[options.method]
        return f"{options.from_} with {options.removed} projected out ({method})"

    def mitigates(self, options: ProjectSpec) -> bool:
        """Lists of words decide the directions."""
        return True

    def refuses_child(self, options: ProjectSpec, child: ModelKind[Any]) -> str | None:
        """Its weights are those of its parent."""
        return "a model with projected hidden states"
