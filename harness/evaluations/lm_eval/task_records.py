"""The records of lm-eval's tasks: what a model's responses to one item count."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.core.evaluation import Item
from harness.core.records import Record
from harness.core.requests import Failure, Generated, Response
from harness.evaluations.lm_eval.filters import matches
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, whole_likelihood
from harness.metrics.build_metrics import factory
from harness.metrics.capability.answer_match import answer_f1_of, exact_match_of
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.capability.bleu_chrf_ter import translation_statistics
from harness.metrics.capability.choice_accuracy import best_choices, brier_of, choice_statistics
from harness.metrics.capability.f1 import binary_f1_counts
from harness.metrics.capability.rouge import NAMES as ROUGE
from harness.metrics.capability.rouge import rouge_statistics


@dataclass(frozen=True, slots=True)
class TaskRecords:
    """How a task's items are counted.

    Attributes:
        metrics: ids of the task's metrics: statistics that none of them reads are left out.
        answer: a written text → the answer in it, by the task's filters.
        exact: lm-eval's settings of `exact_match`.
    """

    metrics: tuple[str, ...]
    answer: Callable[[str], str]
    exact: Mapping[str, Any]

    def record(self, output_type: str, item: Item, responses: Sequence[Response]) -> Record:
        """The record of one item of a task of this output type; one that failed where a response did."""
        cut = truncated_tokens(responses)
        failure = next((response for response in responses if isinstance(response, Failure)), None)
        if failure is not None:
            return failed(item, failure, truncated=cut)
        by_type = {
            "multiple_choice": self._choice,
            "loglikelihood": self._target,
            "loglikelihood_rolling": self._rolling,
            "generate_until": self._generated,
        }
        return by_type[output_type](item, responses, cut)

    def _choice(self, item: Item, responses: Sequence[Response], cut: int) -> Record:
        choices, right = item.payload["choices"], item.payload["right"]
        alone: tuple[float, ...] | None = None
        if "contexts" in item.payload:
            parts = [scores(response, 1) for response in responses]
            values = tuple(part[0] for part in parts if not isinstance(part, Failure))
        else:
            option_scores = scores(responses[0], len(choices))
            values = () if isinstance(option_scores, Failure) else option_scores
            without = scores(responses[1], len(choices)) if len(responses) > 1 else None
            alone = None if without is None or isinstance(without, Failure) or -math.inf in without else without
        if len(values) != len(choices) or -math.inf in values:
            return failed(item, Failure("nan", "a choice has no likelihood"), truncated=cut)
        # As in lm-eval, the first of the best choices is the answer.
        each = [choice_statistics(values, choices, place, alone, ties="first") for place in right]
        best = best_choices(values)
        chosen = values.index(max(values))
        others = [value for place, value in enumerate(values) if place not in right]
        return outcome(
            item,
            prediction=choices[chosen],
            margin=max(values[place] for place in right) - max(others) if others else None,
            tied=len(best) > 1,
            truncated=cut,
            response={"log_likelihoods": list(values)},
            stats={
                **{name: sum(counts[name] for counts in each) for name in each[0]},
                "correct": float(chosen in right),
                **self._asked({**binary_f1_counts(right[0], chosen), "brier": brier_of(values, right)}),
            },
        )

    def _target(self, item: Item, responses: Sequence[Response], cut: int) -> Record:
        target = item.payload["golds"][0]
        values = scores(responses[0], 1)
        if isinstance(values, Failure):
            return failed(item, values, truncated=cut)
        stats = {"nll_target": -values[0], "targets": 1.0}
        response: dict[str, Any] = {"log_likelihood": values[0]}
        if len(responses) > 1 and isinstance(responses[1], Generated):
            stats["greedy_match"] = float(responses[1].text.startswith(target))
            response["generated"] = responses[1].text
        return outcome(item, truncated=cut, response=response, stats=stats)

    def _rolling(self, item: Item, responses: Sequence[Response], cut: int) -> Record:
        likelihood = whole_likelihood(responses[0])
        if isinstance(likelihood, Failure):
            return failed(item, likelihood, truncated=cut)
        text = item.payload["text"]
        stats = {
            "nll": -likelihood.total,
            "tokens": float(likelihood.tokens),
            "bytes": float(len(text.encode("utf-8", "surrogatepass"))),
            "words": float(len(re.split(r"\s+", text))),
        }
        return outcome(item, response={"log_likelihood": likelihood.total}, stats=stats)

    def _generated(self, item: Item, responses: Sequence[Response], cut: int) -> Record:
        (written,) = responses
        if not isinstance(written, Generated):
            return failed(item, Failure("error", "expected a generated text"), truncated=cut)
        kept = self.answer(written.text)
        right = matches(kept, item.payload["golds"], self.exact)
        made = outcome(
            item,
            prediction=kept,
            truncated=cut,
            response={"generated": written.text},
            stats={
                "exact_match_strict": float(right),
                "correct": float(right),
                **self._asked_of_text(kept, item.payload["golds"]),
            },
        )
        return replace(made, finish=written.finish)

    def _asked(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Those statistics that a metric of the task reads: records of other tasks stay as they are."""
        wanted = {need for name in self.metrics for need in factory(name).needs}
        return {name: value for name, value in figures.items() if name in wanted}

    def _asked_of_text(self, text: str, golds: Sequence[str]) -> dict[str, float]:
        asked = tuple(name for name in CORPUS if name in (self.metrics))
        overlap = rouge_statistics(text, golds) if any(name in ROUGE for name in self.metrics) else {}
        squad = {"squad_f1": answer_f1_of(text, golds), "squad_exact_match": exact_match_of(text, golds)}
        return {**translation_statistics(text, golds, asked, one_line=False), **self._asked({**overlap, **squad})}
