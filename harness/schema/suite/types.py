"""What all parts of a suite are made of: strict objects, counts with units, names."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from harness.core.labels import label_text
from harness.schema import units


def _count(value: object) -> int:
    if isinstance(value, int | str) or (isinstance(value, float) and value.is_integer()):
        return units.count(value if isinstance(value, str) else int(value))
    raise ValueError(f"expected a count such as 500, 20k or 2M, found {value!r}")


Count = Annotated[int, BeforeValidator(_count, json_schema_input_type=int | str)]

TrainedOn = Annotated[
    list[Annotated[str, Field(min_length=1)]] | None,
    Field(
        description="Files that the model learned from, relative to the suite file. Evaluated rows that occur in one "
        "of them are left out for all models. An empty list says that it learned from no row that is evaluated."
    ),
]

HELD_OUT = "Your word that no evaluated model learned from these rows."

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""Names become file names: small letters, digits, `-` and `_`."""


def _name(value: str) -> str:
    if re.fullmatch(NAME_PATTERN[1:-1], value) is None:
        raise ValueError(
            f"expected a name of small letters, digits, `-` and `_` (at most 64), starting with a letter or digit, "
            f"found {value[:60]!r}"
        )
    return value


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": NAME_PATTERN})]


Label = Annotated[str, AfterValidator(label_text)]
"""A label, written as `harness.core.labels` compares it."""


class Strict(BaseModel):
    """Unknown keys are errors; aliases such as `from` are accepted by both names."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)
