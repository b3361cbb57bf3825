"""Answers that another tool logged: what an imported run's suite names, and what no model is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NoReturn

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.errors import SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext, Item
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import Request, Response
from harness.metrics.logged_figure import LOGGED
from harness.schema.suite.evaluation_options import EvaluationOptions


class ImportedOptions(EvaluationOptions):
    """The YAML of imported answers."""

    tool: str = Field("", description="The tool that logged them.")


class Imported(Evaluation):
    """Stands in the suite of a run that `harness import` made, so that gates can name its figures."""

    Options = ImportedOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "imported"
    summary: ClassVar[str] = "Answers and figures that another tool logged (`harness import`)."
    cluster_unit: ClassVar[str] = "parent"
    provides: ClassVar[tuple[str, ...]] = (LOGGED, "correct", "prediction", "exact_match_strict", "squad_exact_match")
    options: ImportedOptions
    default_metrics: tuple[str, ...] = ("as_logged",)

    def __init__(self, name: str, options: ImportedOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self._refuse()

    @classmethod
    def data_names(cls, options: ImportedOptions) -> tuple[Any, ...]:
        return ()

    def _refuse(self) -> NoReturn:
        raise SuiteError(
            f"{self.name!r} holds answers that another tool logged; no model can be asked them here.",
            hint="judge the imported run with `harness gate RUN --suite SUITE`, or import newer logs.",
        )

    def spec(self) -> Mapping[str, Any]:
        self._refuse()

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        self._refuse()

    def protocol(self, facts: ModelFacts) -> str | None:
        self._refuse()

    def unsupported(self, facts: ModelFacts) -> str:
        self._refuse()

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        self._refuse()

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        self._refuse()
