"""What other models say of the texts that a model wrote: a reference model's likelihood, a judge's preference.

A reading is asked after an evaluation, of another model of the suite, and adds statistics to the same records. It
changes neither the items nor what the evaluated model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.requests import Request, Response


class Reading(Protocol):
    """One question about each written text, to one model of the suite."""

    @property
    def model(self) -> str:
        """The suite's name of the model that is asked."""
        ...

    @property
    def source(self) -> Literal["prediction", "response"]:
        """What is read as the text: the prediction, or the whole response as JSON."""
        ...

    def spec(self) -> Mapping[str, Any]:
        """JSON: everything that changes requests or statistics."""
        ...

    def unsupported(self, facts: ModelFacts) -> str | None:
        """Why a model cannot be asked, or None."""
        ...

    def requests(self, item: Item, text: str, facts: ModelFacts) -> Sequence[Request]: ...

    def read(self, item: Item, text: str, responses: Sequence[Response]) -> tuple[dict[str, float], dict[str, Any]]:
        """Statistics, and what to show with the item."""
        ...
