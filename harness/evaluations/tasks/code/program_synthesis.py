"""Program synthesis: the rest of a function, whose check decides. Programs run only where a person allows it."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.core.dataset import Dataset, Row
from harness.core.errors import IncompleteError
from harness.core.evaluation import EvaluationContext, Item, ItemMeasure
from harness.core.records import FAILED, Record
from harness.core.requests import Failure, Response
from harness.evaluations.answers.repeated_answers import SAMPLED
from harness.evaluations.columns import text_of
from harness.evaluations.generation_base import MOST_TOKENS, WritingOptions, WritingTask
from harness.evaluations.programs.guarantees import FLAG, require_guarantees
from harness.evaluations.programs.locked_down import NotEnforcedError
from harness.evaluations.programs.program_runner import ProgramCheck, ProgramLimits, run_check
from harness.evaluations.prompts.prompt_template import ColumnTemplate
from harness.evaluations.record_builders import failed
from harness.metrics.capability.written_text import parses

_INDENT = "    "
_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_OF_RUNS = ("pass_rate", "pass_at_k", "majority_vote")


class ProgramSynthesisOptions(WritingOptions):
    """The YAML of a program-synthesis task."""

    prompt: ColumnTemplate = Field("{prompt}", description="Prompt: a template with {column} placeholders.")
    head: str = Field("prompt", description="Column with the program's beginning, up to the function's body.")
    target: str = Field("canonical_solution", description="Column with a right rest of the program.")
    entry_point: str = Field("entry_point", description="Column with the name of the function that is checked.")
    test: str = Field(
        "test", description="Column with Python code that defines `check(candidate)`, which raises if it is wrong."
    )
    seconds: int = Field(5, ge=1, le=120, description="Processor time of a program; it may take four times as long.")
    memory: int = Field(512, ge=128, le=8192, description="Memory of a program in MiB.")
    max_tokens: int = Field(384, ge=1, le=MOST_TOKENS, description="Maximum number of generated tokens.")
    stop: list[str] = Field(
        ["\nclass", "\ndef", "\n#", "\nif", "\nprint"], description="Stop strings; the program ends before the first."
    )


class ProgramSynthesis(WritingTask[ProgramSynthesisOptions]):
    """Asks for the rest of a function: whether the program parses, and, where it may run, passes its check."""

    Options: ClassVar[type[ProgramSynthesisOptions]] = ProgramSynthesisOptions
    kind: ClassVar[str] = "program_synthesis"
    summary: ClassVar[str] = f"Python programs: whether they parse and, with {FLAG}, pass their tests (pass@k)."
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        ItemMeasure("correct", "programs that pass", better="higher"),
        ItemMeasure("parse_rate", "programs that parse", better="higher"),
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("correct", "parse_rate", "length_limit_rate", "prediction", "target", "nll_reference", "bytes_reference"),
        *SAMPLED,
    )
    default_metrics: tuple[str, ...] = ("pass_rate", "parse_rate", "target_bits_per_byte", "length_limit_rate")
    separator: ClassVar[str] = ""

    def __init__(self, name: str, options: ProgramSynthesisOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self.runs = context.generated_code
        self.limits = ProgramLimits(options.seconds, options.memory)
        if not self.runs:
            self.default_metrics = tuple(metric for metric in self.default_metrics if metric not in _OF_RUNS)

    def spec(self) -> Mapping[str, Any]:
        """The options; programs that ran have other records, which the interpreter is part of."""
        return {**super().spec(), **({"ran_by": platform.python_version()} if self.runs else {})}

    def check_data(self, data: Sequence[Dataset]) -> None:
        """As of every task; where programs may run, the system has to lock them down.

        Raises:
            SuiteError: naming what the system does not enforce.
        """
        super().check_data(data)
        if self.runs:
            require_guarantees()

    def columns(self) -> Sequence[str]:
        options = self.options
        return [options.head, options.target, options.entry_point, options.test]

    def answer_columns(self) -> Sequence[str]:
        return [self.options.target, self.options.test]

    def references(self, dataset: Dataset, row: Row) -> list[str]:
        """The right rest of the program as it stands, its indent included."""
        return [text_of(dataset, row, self.options.target)]

    def extra(self, dataset: Dataset, row: Row) -> dict[str, Any]:
        columns = {"head": self.options.head, "entry": self.options.entry_point, "check": self.options.test}
        return {name: text_of(dataset, row, column) for name, column in columns.items()}

    def trimmed(self, text: str) -> str:
        """The text with the indent of its first line, which belongs to the program."""
        return text.rstrip()

    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        head, entry = str(item.payload["head"]), str(item.payload["entry"])
        program = program_of(head, entry, text)
        parsed = bool(text.strip()) and parses(program)
        stats, shown = {"parse_rate": float(parsed)}, {"program": program}
        if not self.runs:
            return stats, shown
        if not parsed:
            return {**stats, "correct": 0.0}, {**shown, "outcome": "does not parse"}
        try:
            outcome = run_check(ProgramCheck(program, entry, head, str(item.payload["check"])), self.limits)
        except NotEnforcedError as error:
            raise IncompleteError(
                f"{self.name}: a program could not be locked down and did not run: {error}.", hint="rerun to resume."
            ) from error
        if outcome.state == "broken":
            return stats, {**shown, "broken": outcome.reason}
        return {**stats, "correct": float(outcome.state == "passed")}, {**shown, "outcome": outcome.reason or "passed"}

    def _answer(self, item: Item, response: Response) -> Record:
        """The record of one answer; an item whose check judges no program is failed, not wrong."""
        record = super()._answer(item, response)
        if record.status == FAILED or "broken" not in record.response:
            return record
        return failed(item, Failure("error", f"the item's check cannot run: {record.response['broken']}"))

    def warnings(self, data: Sequence[Dataset], split: str) -> list[str]:
        """What is not computed where programs are only parsed."""
        return [*super().warnings(data, split), *([] if self.runs else [self._only_parsed])]

    @property
    def _only_parsed(self) -> str:
        return f"Programs are parsed and not run: pass_rate and pass@k are not computed. {FLAG} runs them."

    @property
    def caveats(self) -> tuple[str, ...]:
        """How programs were run, or that they were not."""
        ran = (
            f"Programs ran under Python {platform.python_version()} in locked-down processes, each with "
            f"{self.limits.seconds} s of processor time and {self.limits.memory} MiB."
        )
        return (ran if self.runs else self._only_parsed, *super().caveats)


def program_of(head: str, entry: str, text: str) -> str:
    """The whole program: the head with what was written after it.

    Of an answer with a fenced block (as chats give) the block counts. A block that defines the function itself replaces
    the head's, whose helpers and imports stay. A body whose first line lost its indent gets it back.
    """
    fenced = _FENCED.search(text)
    body = fenced.group(1).rstrip() if fenced else text
    if re.search(rf"^(?:async )?def {re.escape(entry)}\b", body, re.MULTILINE):
        return f"{head}\n{body}\n" if parses(head) else f"{body}\n"
    indent = "" if body[:1].isspace() else _INDENT
    return f"{head}{indent}{body}\n"
