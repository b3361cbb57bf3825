"""What a pretraining costs each of the models that start from it: it is paid once and shared by them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.view.run_view import RunView
from harness.schema.results.inputs import ModelResult

_TRAINED = frozenset({"pretrain", "finetune", "align"})


@dataclass(frozen=True, slots=True)
class Share:
    """A trained model that nothing else starts from.

    Attributes:
        own: of its own stage.
        shared: its part of the stages before it: each stage divided by the number of models that
            start from it.
        alone: what it would have cost without the others: its own stage and all before it.
    """

    model: str
    before: tuple[str, ...]
    own: Amount
    shared: Amount
    alone: Amount

    @property
    def total(self) -> Amount:
        return self.own + self.shared


@dataclass(frozen=True, slots=True)
class Amount:
    """Seconds and operations; None where one of the stages does not say."""

    seconds: float | None = 0.0
    flops: float | None = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(_sum(self.seconds, other.seconds), _sum(self.flops, other.flops))

    def over(self, parts: int) -> Amount:
        return Amount(*(None if value is None else value / parts for value in (self.seconds, self.flops)))


def _sum(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


def shares(view: RunView) -> list[Share]:
    """The trained models with their part of what they share; empty when nothing is shared."""
    models = view.models
    starts = {name: parent for name, model in models.items() if (parent := _start(model, view)) is not None}
    users = {parent: list(starts.values()).count(parent) for parent in starts.values()}
    if not any(count > 1 for count in users.values()):
        return []
    out = []
    for name in starts:
        if name in users:
            continue
        before: list[str] = []
        shared, whole, parts, place = Amount(), Amount(), 1, name
        while (parent := starts.get(place)) is not None and parent not in before:
            parts *= users[parent]
            cost = _amount(view, parent)
            shared, whole = shared + cost.over(parts), whole + cost
            before.append(parent)
            place = parent
        own = _amount(view, name)
        out.append(Share(name, tuple(reversed(before)), own, shared, own + whole))
    return out


def _start(model: ModelResult, view: RunView) -> str | None:
    """The trained model whose weights this one goes on from."""
    stage = model.training.get("stage")
    untaught = isinstance(stage, dict) and stage.get("weights") == "random"
    parent = view.models.get(model.parent or "")
    if model.made_by not in _TRAINED or untaught or parent is None or parent.made_by not in _TRAINED:
        return None
    return parent.name


def _amount(view: RunView, model: str) -> Amount:
    cost = view.cost(model)
    return Amount(cost.seconds, cost.flops)
