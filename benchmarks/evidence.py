"""Coverage where evidence is thin: unequal clusters, long documents, rare classes, groups, seeds, levels of alpha.

    OMP_NUM_THREADS=1 python benchmarks/evidence.py            # about five minutes
    OMP_NUM_THREADS=1 python benchmarks/evidence.py --write    # also rewrites the section of docs/statistics.md

Each cell: coverage of the two-sided 95% interval / how often a one-sided 95% bound lies beyond the truth / how often a
gate at the truth passes, which takes 100 effective items and a method whose preconditions are met; in %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.comparisons.join import Pair
from harness.comparisons.pair_comparison import compare
from harness.comparisons.paired_records import PairedRecords
from harness.core.interval import Interval
from harness.core.metric import MetricContext
from harness.core.metric_structure import MetricStructure
from harness.core.records import FAILED, Record, Records, RecordsHead
from harness.metrics.build_metrics import build_metrics
from harness.statistics.anytime import bounded_mean
from harness.statistics.clusters import Groups
from harness.statistics.crossed_seeds import crossed
from harness.statistics.estimate import estimate
from harness.statistics.group_spread import GroupFigures
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.joint_figure import JointPart, mean_of_parts, worst_of_parts
from harness.statistics.paired_difference import difference
from harness.statistics.proportions import tango, wilson
from harness.statistics.result import Difference, Estimate
from harness.storage import atomic

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
START, END = "<!-- evidence: start -->", "<!-- evidence: end -->"
MIN_N = 100
Array = npt.NDArray[np.float64]
Outcome = tuple[Interval, bool, float, bool]
"""An interval, whether a gate may pass on it, the truth, and whether the upper bound is the one that passes."""


def mean(sums: Array, n: Array | float) -> Array:
    return np.asarray(sums[..., 0] / n)


def ratio(sums: Array, n: Array | float) -> Array:
    return np.asarray(sums[..., 0] / sums[..., 1])


def decides(row: Estimate | Difference) -> bool:
    return not row.unmet and row.n_eff + 1e-6 >= MIN_N


def cell(draws: Iterator[Outcome]) -> str:
    """coverage / bound beyond the truth / wrong passes, in %."""
    covered = beyond = passed = count = 0
    for interval, may_pass, truth, upper in draws:
        count += 1
        if interval.low is None or interval.high is None:
            continue
        bound = interval.at(0.05)
        assert bound.low is not None
        assert bound.high is not None
        covered += interval.low <= truth <= interval.high
        wrong = bound.high < truth if upper else bound.low > truth
        beyond += wrong
        passed += wrong and may_pass
    return " / ".join(f"{100 * number / count:.1f}" for number in (covered, beyond, passed))


def clusters(sizes: Callable[[int], Array], skewed: bool, shared: float) -> Callable[[int, int], str]:
    def at(count: int, runs: int) -> str:
        rng = np.random.default_rng(count)
        held = sizes(count).astype(int)
        place = np.repeat(np.arange(count), held)
        names = place.astype(str).tolist()

        def draws() -> Iterator[Outcome]:
            for seed in range(runs):
                effects = 1 - rng.exponential(1, count) if skewed else rng.normal(0, 1, count)
                change = shared * effects[place] + rng.normal(0, 0.3, len(place))
                row = difference(
                    np.zeros((len(place), 1)),
                    change[:, None],
                    kind="mean",
                    value=mean,
                    clusters=names,
                    settings=InferenceSettings(seed=seed),
                )
                yield row.delta, decides(row), 0.0, False

        return cell(draws())

    return at


def zipf(count: int) -> Array:
    return np.maximum(1, np.round(2 * count / np.arange(1, count + 1)))


def lognormal(count: int) -> Array:
    return np.maximum(1, np.round(np.random.default_rng(5).lognormal(1.5, 1, count)))


def equal(count: int) -> Array:
    return np.full(count, 5.0)


def documents(sigma: float) -> Callable[[int, int], str]:
    """Bits per byte of documents with lognormal lengths, the change growing with length."""

    def made(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        size = np.maximum(20, np.round(rng.lognormal(6.5, sigma, n)))
        change = rng.normal(0.02, 0.06, n) + 0.0125 * (np.log(size) - 6.5)
        base = size * np.maximum(0.2, rng.normal(1, 0.15, n))
        return size, base, base + size * change

    totals = np.sum([[part.sum() for part in made(np.random.default_rng(k), 1_000_000)] for k in range(5)], axis=0)
    truth = float((totals[2] - totals[1]) / totals[0])

    def at(n: int, runs: int) -> str:
        rng = np.random.default_rng(n)

        def draws() -> Iterator[Outcome]:
            for _ in range(runs):
                size, base, tuned = made(rng, n)
                sides = np.column_stack([base, size]), np.column_stack([tuned, size])
                row = difference(*sides, kind="ratio", value=ratio)
                yield row.delta, decides(row), truth, True

        return cell(draws())

    return at


def macro_f1(sums: Array, n: Array | float) -> Array:
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    below = 2 * counts[..., 0] + counts[..., 1] + counts[..., 2]
    return np.asarray((2 * counts[..., 0] / below).mean(axis=-1))


def rare_class(share: float) -> Callable[[int, int], str]:
    """The level of macro F1 of two classes, nine of ten items right in either."""

    def rows(rng: np.random.Generator, n: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        gold = rng.random(n) < share
        given = np.where(rng.random(n) < 0.9, gold, ~gold)
        cells = [(gold & given, ~gold & given, gold & ~given), (~gold & ~given, gold & ~given, ~gold & given)]
        return np.column_stack([one for part in cells for one in part]).astype(np.float64), gold

    truth = float(macro_f1(rows(np.random.default_rng(0), 4_000_000)[0].sum(axis=0), 1.0))

    def at(n: int, runs: int) -> str:
        rng = np.random.default_rng(n)

        def draws() -> Iterator[Outcome]:
            for seed in range(runs):
                stats, gold = rows(rng, n)
                structure = MetricStructure(parts={"rare": gold, "common": ~gold})
                row = estimate(
                    stats,
                    kind="additive",
                    value=macro_f1,
                    structure=structure,
                    settings=InferenceSettings(resamples=500, seed=seed),
                )
                yield row.interval, decides(row), truth, False

        return cell(draws())

    return at


def area(positives: int, truth: float) -> Callable[[int, int], str]:
    """The area under the curve of normal scores, a fixed number of them positive."""
    from scipy import stats as distributions

    apart = float(distributions.norm.ppf(truth)) * 2**0.5

    def at(n: int, runs: int) -> str:
        rng = np.random.default_rng(n)
        right = np.arange(n) < positives
        structure = MetricStructure(parts={"positive": right, "negative": ~right}, area=True)

        def draws() -> Iterator[Outcome]:
            for _ in range(runs):
                score = rng.normal(0, 1, n) + apart * right
                above = np.searchsorted(np.sort(score[~right]), score[right]) / (n - positives)
                below = 1 - np.searchsorted(np.sort(score[right]), score[~right]) / positives
                value = above.mean()
                rows = np.empty((n, 1))
                rows[right, 0] = value + (above - value) * n / positives
                rows[~right, 0] = value + (below - value) * n / (n - positives)
                row = estimate(rows, kind="mean", value=mean, structure=structure)
                yield row.interval, decides(row), truth, False

        return cell(draws())

    return at


def groups(number: int, change: bool) -> Callable[[int, int], str]:
    """Largest minus smallest selection rate: the level of a fair model, or a change by 0.15 in one group."""

    def rates(sums: Array) -> Array:
        counts = sums.reshape(*sums.shape[:-1], -1, 2)
        return np.asarray((counts[..., 1] / counts[..., 0])[..., None, :])

    def spread(sums: Array, n: Array | float) -> Array:
        return np.asarray(np.ptp(rates(sums)[..., 0, :], axis=-1))

    def at(each: int, runs: int) -> str:
        rng = np.random.default_rng(number)
        member = np.repeat(np.eye(number), each, axis=0)
        parts = {str(group): member[:, group] == 1 for group in range(number)}
        structure = MetricStructure(parts=parts, spread=rates)
        harmed = np.where(member[:, 0] == 1, 0.45, 0.3)

        def rows(selected: npt.NDArray[np.bool_]) -> Array:
            return np.stack([member, member * selected[:, None]], axis=-1).reshape(len(member), -1)

        def draws() -> Iterator[Outcome]:
            for seed in range(runs):
                chance = rng.random(len(member))
                other = np.where(rng.random(len(member)) < 0.7, chance, rng.random(len(member)))
                fair = rows(chance < 0.3)
                settings = InferenceSettings(resamples=200, seed=seed)
                if change:
                    moved = difference(
                        fair,
                        rows(other < harmed),
                        kind="additive",
                        value=spread,
                        structure=structure,
                        settings=settings,
                    )
                    yield moved.delta, decides(moved), 0.15, True
                else:
                    level = estimate(fair, kind="additive", value=spread, structure=structure, settings=settings)
                    yield level.interval, decides(level), 0.0, False

        return cell(draws())

    return at


def rare_group(number: int, change: bool) -> Callable[[int, int], str]:
    """Groups of Zipf sizes and one of 15 items, whose rate alone is 20% where the others' is 10% (or becomes so)."""

    def rates(sums: Array) -> Array:
        counts = sums.reshape(*sums.shape[:-1], -1, 2)
        return np.asarray((counts[..., 1] / counts[..., 0])[..., None, :])

    def at(total: int, runs: int) -> str:
        rng = np.random.default_rng(number)
        sizes = np.maximum(15, (total / np.arange(1, number + 1) / np.sum(1 / np.arange(1, number + 1))).astype(int))
        sizes[-1] = 15
        member = np.repeat(np.eye(number), sizes, axis=0)
        structure = MetricStructure(parts={str(g): member[:, g] == 1 for g in range(number)}, spread=rates)
        rare = np.where(member[:, -1] == 1, 0.2, 0.1)

        def rows(selected: npt.NDArray[np.bool_]) -> Array:
            return np.stack([member, member * selected[:, None]], axis=-1).reshape(len(member), -1)

        def draws() -> Iterator[Outcome]:
            for seed in range(runs):
                chance = rng.random(len(member))
                other = np.where(rng.random(len(member)) < 0.7, chance, rng.random(len(member)))
                sides = (rows(chance < 0.1), rows(other < rare)) if change else (rows(chance < rare),)
                made = GroupFigures.of(sides, structure, Groups.of(None, len(member)))
                assert made is not None
                yield made.interval(InferenceSettings(seed=seed)), not made.unmet(), 0.1, True

        return cell(draws())

    return at


def joint(how: str, broken: Callable[[int], Array]) -> Callable[[int, int], str]:
    """Joint gates over evaluations of which a share of right answers is broken; the margin at the truth."""

    def at(number: int, runs: int) -> str:
        rng = np.random.default_rng(number)
        sizes = [100 * 2 ** (k % 3) for k in range(number)]
        harm = broken(number)
        weights = sizes if how == "pooled" else [1] * number
        truth = -float(harm.max() if how == "max_drop" else np.average(harm, weights=weights))

        def part(place: int) -> JointPart:
            n = sizes[place]
            sides = np.ones((n, 1)), 1.0 - (rng.random((n, 1)) < harm[place])
            names = [f"{place}-{row}" for row in range(n)]
            return JointPart.of(*sides, mean, False, 1.0, names, difference(*sides, kind="mean", value=mean))

        def draws() -> Iterator[Outcome]:
            for _ in range(runs):
                parts = [part(place) for place in range(number)]
                made = worst_of_parts(parts) if how == "max_drop" else mean_of_parts(parts, weights)
                yield made.interval, not any(made.unmet) and made.error.n_eff + 1e-6 >= MIN_N, truth, False

        return cell(draws())

    return at


def missing(worst_case: bool) -> Callable[[int, int], str]:
    """Answers that are missing where they would be wrong: 300 items, 15% differ; the margin at the truth."""
    [metric] = build_metrics(["accuracy"], MetricContext())

    def at(percent: int, runs: int) -> str:
        rng = np.random.default_rng(percent)
        head = RecordsHead("e", "m", "head")

        def side(right: npt.NDArray[np.bool_], absent: npt.NDArray[np.bool_]) -> Records:
            return Records.of(head, [
                Record(f"i{k}", f"i{k}", status=FAILED, target="x") if gone
                else Record(f"i{k}", f"i{k}", target="x", stats={"correct": float(value)})
                for k, (value, gone) in enumerate(zip(right.tolist(), absent.tolist(), strict=True))
            ])  # fmt: skip

        def draws() -> Iterator[Outcome]:
            for _ in range(runs):
                base = rng.random(300) < 0.7
                new = np.where(rng.random(300) < 0.15, rng.random(300) < 0.5, base)
                absent = ~new & (rng.random(300) < percent / 30)
                records = PairedRecords(side(base, np.zeros(300, dtype=np.bool_)), side(new, absent))
                row = compare(Pair("e", "base", "new"), records, metric, settings=InferenceSettings(resamples=100))[0]
                interval = row.worst_case if worst_case and row.worst_case is not None else row.delta
                yield interval, not row.unmet, -0.03, False

        return cell(draws())

    return at


def seeds(count: int, binary: bool) -> Callable[[int, int], str]:
    """The difference of a recipe over training seeds, on clusters of five items."""

    def at(number: int, runs: int) -> str:
        rng = np.random.default_rng(count + number)
        place = np.repeat(np.arange(number), 5)
        names = place.astype(str).tolist()

        def draws() -> Iterator[Outcome]:
            for _ in range(runs):
                if binary:
                    harm = np.clip(0.02 + rng.normal(0, 0.005, (count, 1)), 0, 1)
                    base = np.ones(len(place))
                    sides = 1.0 - (rng.random((count, len(place))) < harm)
                    truth = -0.02
                else:
                    base = np.zeros(len(place))
                    item = 0.2 * rng.normal(0, 1, number)[place] + rng.normal(0, 0.3, len(place))
                    sides = item + rng.normal(0, 0.03, (count, 1)) + rng.normal(0, 0.2, (count, len(place)))
                    truth = 0.0
                row = crossed([base[:, None]], [one[:, None] for one in sides], kind="mean", value=mean, clusters=names)
                yield row.interval, not row.unmet and row.n_eff >= MIN_N, truth, False

        return cell(draws())

    return at


def alphas(paired: bool) -> list[str]:
    """How often a one-sided bound lies beyond the truth, the worst and the mean over truths near the edge."""
    levels = (0.01, 0.025, 0.05, 0.1, 0.2)
    rng = np.random.default_rng(3)
    name = "paired shares (Tango)" if paired else "a share (Wilson)"
    cells = []
    for alpha in levels:
        errors = []
        for truth in (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2):
            counts, times = np.unique(rng.binomial(100, truth, 20_000), return_counts=True)
            if paired:
                bounds = [tango(int(k), 0, 100, alpha)[0] > -truth for k in counts]
            else:
                bounds = [wilson(100 - int(k), 100, alpha)[0] > 1 - truth for k in counts]
            errors.append(float(np.sum(times * np.array(bounds)) / 20_000))
        cells.append(f"{100 * max(errors):.1f} / {100 * np.mean(errors):.1f}")
    return [f"| {name} | {' | '.join(cells)} |"]


LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2)


def alpha_rows(runs: int) -> list[str]:
    """Lower bounds beyond the truth by level, of methods that are no closed form of counts."""

    def counted(name: str, runs: int, change: Callable[[np.random.Generator, int], Difference]) -> str:
        rng, beyond = np.random.default_rng(4), np.zeros(len(LEVELS))
        for seed in range(runs):
            row = change(rng, seed).delta
            beyond += [(row.at(level).low or 0.0) > 0 for level in LEVELS]
        shares = " | ".join(f"{100 * share:.1f}" for share in beyond / runs)
        return f"| {name}, {runs} samples | {shares} |"

    def skewed(rng: np.random.Generator, seed: int) -> Difference:
        change = rng.exponential(1, (100, 1)) - 1
        return difference(
            np.zeros((100, 1)), change, kind="mean", value=mean, settings=InferenceSettings(alphas=LEVELS)
        )

    def clustered(rng: np.random.Generator, seed: int) -> Difference:
        place = np.repeat(np.arange(40), zipf(40).astype(int))
        change = rng.normal(0, 0.5, 40)[place] + rng.normal(0, 1, len(place))
        return difference(
            np.zeros((len(place), 1)),
            change[:, None],
            kind="mean",
            value=mean,
            clusters=place.astype(str).tolist(),
            settings=InferenceSettings(alphas=LEVELS),
        )

    def classes(rng: np.random.Generator, seed: int) -> Difference:
        gold = rng.integers(0, 3, 200)
        sides = []
        for _ in range(2):
            said = np.where(rng.random(200) < 0.75, gold, rng.integers(0, 3, 200))
            rows = [[(said == k) & (gold == k), (said == k) & (gold != k), (said != k) & (gold == k)] for k in range(3)]
            sides.append(np.array(rows, dtype=float).reshape(9, 200).T)
        return difference(
            *sides, kind="additive", value=macro, settings=InferenceSettings(alphas=LEVELS, resamples=1000, seed=seed)
        )

    return [
        counted("100 items, skewed mean (t)", 10 * runs, skewed),
        counted("40 clusters, Zipf sizes (CR3)", 10 * runs, clustered),
        counted("200 items, macro F1 (BCa)", runs, classes),
    ]


def macro(sums: Array, n: Array | float) -> Array:
    counts = sums.reshape(*sums.shape[:-1], 3, 3)
    return np.asarray((2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2])).mean(axis=-1))


LOOKS = (1, 2, 4, 8)


def looks(runs: int) -> list[str]:
    """Wrong passes of a non-inferiority gate whose truth is its margin, at 1,000 items looked at up to eight times."""
    rng = np.random.default_rng(6)
    passes = {name: np.zeros(len(LOOKS)) for name in ("fixed-n bound", "`alpha_spending`", "`sequential`")}
    for _ in range(runs):
        changed = rng.random(1_000) < 0.15
        change = np.where(changed, np.where(rng.random(1_000) < 0.5 * (1 - 0.02 / 0.15), 1.0, -1.0), 0.0)
        for place, count in enumerate(LOOKS):
            sizes = np.linspace(1_000 / count, 1_000, count).astype(int)
            fixed = [(int((change[:n] < 0).sum()), int((change[:n] > 0).sum()), int(n)) for n in sizes]
            passes["fixed-n bound"][place] += any(tango(*counts, 0.05)[0] >= -0.02 for counts in fixed)
            passes["`alpha_spending`"][place] += any(tango(*counts, 0.05 / count)[0] >= -0.02 for counts in fixed)
            bounds = (
                bounded_mean(change[:n], Groups.of(None, int(n)), (-1, 1), 0.95, (0.05,)).at(0.05).low for n in sizes
            )
            passes["`sequential`"][place] += any(low is not None and low >= -0.02 for low in bounds)
    return [
        f"| {name} | {' | '.join(f'{100 * share / runs:.1f}' for share in shares)} |" for name, shares in passes.items()
    ]


TABLES: list[tuple[str, tuple[int, ...], int, list[tuple[str, Callable[[int, int], str]]]]] = [
    ("clusters (a mean; gate of non-inferiority)", (12, 20, 40, 60, 200), 400, [
        (f"{name} sizes, {what}", clusters(sizes, skewed, shared))
        for name, sizes in (("equal", equal), ("lognormal", lognormal), ("Zipf", zipf))
        for what, skewed, shared in (
            ("normal effects", False, 0.2), ("skewed effects", True, 0.2), ("hardly any effect", False, 0.03)
        )
    ]),
    ("documents (bits per byte; margin at the truth)", (50, 100, 300, 1_000), 400, [
        (f"lognormal lengths, σ = {sigma:g}", documents(sigma)) for sigma in (0.5, 1.0, 2.0)
    ]),
    ("items (level of macro F1; `min` at the truth)", (100, 300, 1_000), 200, [
        (f"rare class of {share:.0%}", rare_class(share)) for share in (0.01, 0.02, 0.05, 0.1, 0.3)
    ]),
    ("items (area under the curve; `min` at the truth)", (100, 1_000), 400, [
        (f"{positives} positives, area {truth:g}", area(positives, truth))
        for positives, truth in ((5, 0.9), (10, 0.9), (10, 0.99), (20, 0.95), (50, 0.95))
    ]),
    ("items a group (largest minus smallest)", (30, 100, 400), 150, [
        (f"{number} groups, {'a change by 0.15' if change else 'fair'}", groups(number, change))
        for change in (False, True) for number in (2, 5, 12)
    ]),
    ("items in all, 15 of them in one group (change or level of the spread at the truth)", (300, 1_500), 400, [
        (f"{number} groups of Zipf sizes, {'the rare one changes' if change else 'the rare one is unlike the others'}",
         rare_group(number, change))
        for change in (False, True) for number in (2, 5, 12)
    ]),
    ("evaluations in one gate (100, 200 and 400 items by turns; the margin at the truth)", (2, 4, 8), 200, [
        (f"`{how}`, {what}", joint(how, broken))
        for how in ("mean_of", "pooled", "max_drop")
        for what, broken in (
            ("3% broken in all", lambda number: np.full(number, 0.03)),
            ("5% broken in one, 1% in the others", lambda number: np.where(np.arange(number) == 0, 0.05, 0.01)),
        )
    ]),
    ("percent of answers missing, all of them wrong ones (300 items; the margin at the truth)", (1, 5), 200, [
        ("complete cases (`missing: complete_case`)", missing(False)),
        ("worst case (the default under `min_coverage` < 1)", missing(True)),
    ]),
    ("clusters of 5 items (training seeds)", (10, 40, 200), 300, [
        (f"{count} seeds, {'2% of items broken' if binary else 'a mean'}", seeds(count, binary))
        for binary in (False, True) for count in (3, 5)
    ]),
]  # fmt: skip


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--quick", type=float, default=1.0, help="divides the number of samples")
    arguments = parser.parse_args()
    lines: list[str] = []
    for title, sizes, runs, rows in TABLES:
        runs = max(20, int(runs / arguments.quick))
        error = 100 * (0.05 * 0.95 / runs) ** 0.5
        lines += [f"{runs} samples, Monte Carlo error of 5%: {error:.1f} points.", ""]
        lines += [f"| {title} | {' | '.join(f'{size:,}' for size in sizes)} |", "|---" * (len(sizes) + 1) + "|"]
        for name, at in rows:
            lines.append(f"| {name} | {' | '.join(at(size, runs) for size in sizes)} |")
            say(lines[-1])
        lines.append("")
    lines += [
        "One-sided bounds at 100 items, the worst and the mean error over seven shares from 0.5 to 20%, in %:",
        "",
    ]
    lines += ["| alpha | 0.01 | 0.025 | 0.05 | 0.1 | 0.2 |", "|---" * 6 + "|", *alphas(False), *alphas(True)]
    runs = max(20, int(200 / arguments.quick))
    lines += alpha_rows(runs)
    error = 100 * (0.05 * 0.95 / 2 / runs) ** 0.5
    lines += ["", f"{2 * runs} samples of 1,000 paired shares, Monte Carlo error of 5%: {error:.1f} points.", ""]
    lines += [
        f"| looks at growing parts of them (wrong passes at the margin) | {' | '.join(map(str, LOOKS))} |",
        "|---" * (len(LOOKS) + 1) + "|",
        *looks(2 * runs),
    ]
    say("\n".join(lines[-12:]))
    if arguments.write:
        text = PAGE.read_text("utf-8")
        head, rest = text.split(START, 1)
        atomic.write_text(PAGE, f"{head}{START}\n" + "\n".join(lines) + f"\n{END}{rest.split(END, 1)[1]}")


if __name__ == "__main__":
    main()
