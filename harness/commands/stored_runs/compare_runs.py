"""Compares two stored runs on the items that both hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparisons.join import Pair
from harness.core.errors import DataError, Where, unknown
from harness.core.reporter import Reporter
from harness.pipeline.results.scoring import ScoringSpec, metrics_of
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.results_file import Results
from harness.statistics.inference_settings import InferenceSettings
from harness.storage.run_dir import RunDir


@dataclass(frozen=True)
class ComparedRuns:
    """What two runs have in common, compared, and what only one of them holds.

    Attributes:
        unpaired: a sentence for each run with models or evaluations that have no partner in the other one.
    """

    comparisons: list[ComparisonResult]
    unpaired: list[str]


def compare_runs(
    first: RunDir,
    second: RunDir,
    pairs: Sequence[tuple[str, str]],
    reporter: Reporter,
    *,
    allow_protocol_difference: bool = False,
) -> ComparedRuns:
    """Second minus first, for every evaluation of both runs, joined by item id.

    Args:
        pairs: (model of the first run, model of the second); models of one name when empty.
        allow_protocol_difference: compare, and label, what was asked differently in the two runs.

    Raises:
        DataError: when the runs share no evaluation or no model, or asked differently.
    """
    from harness.comparisons.pair_comparison import compare
    from harness.comparisons.paired_records import PairedRecords
    from harness.comparisons.seed_comparison import compared_over_seeds
    from harness.metrics.hf_evaluate import left_out_note

    old, new = first.read_results(), second.read_results()
    shared = [entry for entry in new.evaluations if entry.name in {other.name for other in old.evaluations}]
    if not shared:
        raise DataError(
            "the two runs have no evaluation in common.",
            where=Where(second.path),
            hint="compare two runs of the same suite.",
        )
    note = left_out_note(shared, "the comparison of two runs")
    if note is not None:
        reporter.warn(note)
    chosen = matched_pairs(pairs, old, new, first, second)
    if not allow_protocol_difference:
        require_one_protocol(first, second, [entry.name for entry in shared], chosen)
    compared: list[ComparisonResult] = []
    settings = InferenceSettings(seed=new.seed)
    with reporter.task("statistics", total=len(shared) * len(chosen)) as task:
        for evaluation in shared:
            for before, after in chosen:
                task.advance()
                if before not in first.models(evaluation.name) or after not in second.models(evaluation.name):
                    continue
                bases = first.replicates(evaluation.name, before)
                candidates = second.replicates(evaluation.name, after)
                base, candidate = bases[0], candidates[0]
                pair = Pair(evaluation.name, f"{first.path.name}/{before}", f"{second.path.name}/{after}")
                paired = PairedRecords(base, candidate)
                for metric in metrics_of(ScoringSpec.of(evaluation), base.head.protocol, candidate.head.protocol):
                    comparison = compare(pair, paired, metric, settings=settings)
                    compared += compared_over_seeds(comparison, bases, candidates, metric, settings=settings)
    if not compared:
        raise DataError(
            "the chosen models have no evaluation in common.",
            where=Where(second.path),
            hint="choose models with records: --model A=B.",
        )
    return ComparedRuns(compared, _unpaired(first, second, old, new, chosen if not pairs else None))


def require_one_protocol(
    first: RunDir, second: RunDir, evaluations: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> None:
    """Refuses pairs that were asked differently: prompt, template, words, stop rules, filters or scorer.

    Raises:
        DataError: with every difference, and both texts.
    """
    from harness.comparisons.comparability import protocol_differences

    notes = []
    for evaluation in evaluations:
        for before, after in pairs:
            if before not in first.models(evaluation) or after not in second.models(evaluation):
                continue
            base, candidate = (run.records(evaluation, name).head for run, name in ((first, before), (second, after)))
            who = f"{evaluation}, {before}" if before == after else f"{evaluation}, {before} and {after}"
            if base.protocol != candidate.protocol:
                notes.append(f"{who}: protocol: baseline {base.protocol}, candidate {candidate.protocol}.")
            notes += [f"{who}: {difference}" for difference in protocol_differences(base, candidate)]
    if notes:
        raise DataError(
            "the two runs asked differently, so their figures are not comparable:",
            where=Where(second.path),
            hint="run both with one suite, or add --allow-protocol-difference, which labels each difference.",
            notes=notes,
        )


def _unpaired(
    first: RunDir, second: RunDir, old: Results, new: Results, pairs: Sequence[tuple[str, str]] | None
) -> list[str]:
    """Which models and evaluations of each run have no partner; no models where the person chose the pairs."""
    told = []
    for run, results, other, side in ((first, old, new, 0), (second, new, old, 1)):
        paired = None if pairs is None else {pair[side] for pair in pairs}
        asked = [model.name for model in results.models if not model.implied_for]
        models = [] if paired is None else [name for name in asked if name not in paired]
        known = {entry.name for entry in other.evaluations}
        evaluations = [entry.name for entry in results.evaluations if entry.name not in known]
        for what, names in (("models", models), ("evaluations", evaluations)):
            if names:
                told.append(f"{run.path.name}: {what} without a partner in the other run: {', '.join(names)}.")
    return told


def both_sides(first: RunDir, second: RunDir) -> dict[str, EvaluationResult]:
    """The evaluations of the second run with both runs' counts, under the names that `compare_runs` gives models."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for run in (first, second):
        for evaluation in run.read_results().evaluations:
            known = counts.setdefault(evaluation.name, {})
            known |= {f"{run.path.name}/{model}": entry for model, entry in evaluation.counts.items()}
    return {
        evaluation.name: evaluation.model_copy(update={"counts": counts[evaluation.name]})
        for evaluation in second.read_results().evaluations
    }


def matched_pairs(
    pairs: Sequence[tuple[str, str]], old: Results, new: Results, first: RunDir, second: RunDir
) -> list[tuple[str, str]]:
    """The models to compare: those that were chosen, else those of one name.

    Raises:
        DataError: for a model that its run does not have, and where no model has a partner.
    """
    before, after = ([model.name for model in results.models] for results in (old, new))
    for left, right in pairs:
        if left not in before:
            raise DataError(unknown("model", left, before), where=Where(first.path))
        if right not in after:
            raise DataError(unknown("model", right, after), where=Where(second.path))
    # Heuristic baselines that nobody declared are in every run, and tell nothing of its models.
    before, after = ([model.name for model in results.models if not model.implied_for] for results in (old, new))
    matched = list(pairs) or [(name, name) for name in after if name in before]
    if not matched:
        raise DataError(
            f"no model has a partner, since no name occurs in both runs: {', '.join(before)} vs. {', '.join(after)}.",
            where=Where(second.path),
            hint="choose the models to compare: --model A=B.",
        )
    return matched
