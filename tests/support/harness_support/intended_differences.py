"""Why figures of today differ from those of 0.1.0, where they are meant to.

`REASONS` is a list: the first that fits explains a difference. Each quotes the line of CHANGELOG.md that says so;
a test holds the quotes to the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

Value = float | str | None

_FIGURES = frozenset({"value", "baseline_value", "candidate_value", "improvement", "ratio", "n", "status"})
ROUNDING = 1e-4
"""A network's last digits depend on the texts that share a batch: differences of log-likelihoods and what follows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs.

    Attributes:
        section: metrics, comparisons, flips, tables, gates, evaluations, or verdict.
        kind: of the evaluation.
        models: the model, or baseline and candidate.
        methods: of the row, before and after.
        trained: models that the new run trained itself.
        added, gone: the row stands in the new run alone, or in the old one.
        value_before, value_after: the row's figure.
    """

    section: str
    evaluation: str
    kind: str
    metric: str
    models: tuple[str, ...]
    slice: str
    field: str
    before: Value
    after: Value
    methods: tuple[str, str] = ("", "")
    trained: frozenset[str] = frozenset()
    added: bool = False
    gone: bool = False
    value_before: Value = None
    value_after: Value = None

    def __str__(self) -> str:
        place = " ".join(
            part for part in (self.section, self.evaluation, self.metric, *self.models, self.slice) if part
        )
        methods = "" if self.methods[0] == self.methods[1] else f" ({self.methods[0]} → {self.methods[1]})"
        return f"{place}: {self.field}: {self.before} → {self.after}{methods}"

    @property
    def rounded(self) -> bool:
        """Whether both values are numbers that agree but for rounding."""
        return _close(self.before, self.after)

    @property
    def same_value(self) -> bool:
        """Whether the row's figure is the same, so that only what is said about it differs."""
        return self.value_before == self.value_after or _close(self.value_before, self.value_after)


def _close(a: Value, b: Value) -> bool:
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return False
    return math.isclose(a, b, rel_tol=ROUNDING, abs_tol=ROUNDING / 10)


@dataclass(frozen=True, slots=True)
class Reason:
    """A change that was made on purpose.

    Attributes:
        changelog: words of CHANGELOG.md.
        fits: whether it explains a difference.
    """

    name: str
    changelog: str
    fits: Callable[[Difference], bool]


def reason_of(difference: Difference) -> str | None:
    """The name of the first reason that explains a difference; None where none does."""
    return next((reason.name for reason in REASONS if reason.fits(difference)), None)


def _method(before: str, after: str) -> Callable[[Difference], bool]:
    """What a row says of the same figure, where its method changed so; never a figure or a count itself."""
    return lambda difference: (
        difference.same_value
        and difference.field not in _FIGURES
        and re.search(before, difference.methods[0]) is not None
        and re.search(after, difference.methods[1]) is not None
    )


def _after(after: str) -> Callable[[Difference], bool]:
    """Differences of a row with the same figure, whose method is now this one."""
    return _method("", after)


def _default_baseline(difference: Difference) -> bool:
    return difference.added and any(model.startswith(("majority-", "prior-")) for model in difference.models)


def _spelled(difference: Difference) -> bool:
    return difference.field == "method" and str(difference.before).replace("earised", "earized") == difference.after


def _follows(difference: Difference) -> bool:
    """What is computed from an interval or its standard error, of a row with the same figure."""
    return difference.same_value and difference.field in ("mde", "required_n")


REASONS: tuple[Reason, ...] = (
    Reason(
        "two heuristic baselines of every classification",
        "Every classification has the heuristic baselines `majority-TASK` and `prior-TASK`",
        _default_baseline,
    ),
    Reason(
        "models that were trained anew",
        "All checkpoints are trained once more: content keys hold the names of options.",
        lambda difference: bool(difference.trained & set(difference.models)),
    ),
    Reason(
        "last digits: networks are asked in other batches",
        "The last digits of likelihoods and probabilities differ from 0.1.0's by less than the scoring tolerance.",
        lambda difference: difference.rounded,
    ),
    Reason("American spelling", "Names are the field's own, in American spelling", _spelled),
    Reason(
        "StereoSet: a term drawn twice counts twice",
        "count a term that resampling draws twice twice",
        lambda difference: difference.same_value and difference.metric.startswith("stereoset_"),
    ),
    Reason(
        "largest minus smallest over groups: simultaneous pairwise differences",
        "Largest minus smallest over groups: simultaneous pairwise differences in place of a bootstrap",
        _after("simultaneous pairwise differences"),
    ),
    Reason("areas under a curve: score intervals", "Areas under a curve have score intervals.", _after("area under")),
    Reason(
        "jackknife errors with Satterthwaite's degrees of freedom",
        "Means and ratios over clusters of any number and size: jackknife errors (CR3)",
        _after("t interval|Satterthwaite"),
    ),
    Reason(
        "bootstrap no shorter than the jackknife's t",
        "Bootstrapped intervals are never shorter than the jackknife's t",
        _method("bootstrap", "bootstrap"),
    ),
    Reason(
        "a constant shift is judged at its amount", "a constant shift is judged at its amount", _after("changes alike")
    ),
    Reason(
        "adjusted p-values of slices by max-T",
        "`p_adjusted` of slices is Westfall & Young's max-T",
        lambda difference: difference.field == "p_adjusted",
    ),
    Reason("detectable effects by effective items", "`explain` and the report read `n_eff`", _follows),
    Reason(
        "mentions, hashtags, and words like May name no group in training rows",
        "mentions and hashtags name no group in `group_fairness`, `bias_amplification` and data audits either",
        lambda difference: difference.kind == "bias_amplification",
    ),
    Reason(
        "texts whose swap is undecided are in no swap",
        "Texts that hold such a word are in no swap any more",
        lambda difference: difference.kind == "counterfactual",
    ),
    Reason(
        "gates read the intervals",
        "Every estimate and difference has `n_eff`",
        lambda difference: difference.section == "verdict" or (difference.section == "gates" and difference.same_value),
    ),
)
