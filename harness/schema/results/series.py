"""What became of a training from checkpoint to checkpoint."""

from __future__ import annotations

from pydantic import Field

from harness.schema.results.base import Result


class SeriesStepResult(Result):
    """A checkpoint of a series.

    Attributes:
        step: of the training.
        model: its name in the suite, under which its metrics and comparisons stand.
        folder: where the suite found it, as its pattern is written.
        gates: gate → its verdict on this checkpoint.
    """

    step: int
    model: str
    folder: str = ""
    gates: dict[str, str] = Field(default_factory=dict)


class SeriesChoice(Result):
    """A checkpoint that was chosen among the others.

    Attributes:
        step, model: the chosen one.
        metric: `evaluation.metric` by which it was chosen.
        split: the data on which it was chosen.
        value: of the metric there.
        difference: candidate minus baseline on the test data.
        bound: one-sided bound of the difference at the level alpha, on the side that must not be crossed.
        alpha: of `bound`: divided by the number of checkpoints where they were chosen on the same data.
        unit: of the metric.
    """

    step: int
    model: str
    metric: str
    split: str
    value: float
    difference: float | None = None
    bound: float | None = None
    alpha: float
    unit: str = ""


class SeriesResult(Result):
    """The checkpoints of one training.

    Attributes:
        name: the entry of the suite.
        steps: in the order of training.
        first_failing: gate → the first step at which it fails; gates that never fail are left out.
        best: by validation data, never by test; None where a task has no validation data.
        winner: the best on the test data, with a bound that pays for the choice among all checkpoints.
    """

    name: str
    steps: list[SeriesStepResult]
    first_failing: dict[str, int] = Field(default_factory=dict)
    best: SeriesChoice | None = None
    winner: SeriesChoice | None = None
