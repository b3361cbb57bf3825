"""Prints every number that differs between the results of two runs; 0.1.0 may have made either.

python tests/support/compare_results.py RUN_A RUN_B
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.storage.run_dir import RunDir

_IDENTITY = (
    "evaluation", "metric", "baseline", "candidate", "model", "gate", "slice", "protocol", "kind", "name", "id", "alpha"
)  # fmt: skip


def differences(first: Path, second: Path) -> Iterator[tuple[str, float | None, float | None]]:
    """Yields the place of every number that differs, with both numbers; None stands for one that is missing.

    Rows are matched by what they are about (evaluation, metric, models, slice, …), not by their order.

    Args:
        first: the folder of one finished run.
        second: the folder of the other one.
    """
    before, after = (
        dict(_numbers(RunDir(folder).read_results().model_dump(mode="json"))) for folder in (first, second)
    )
    for place in sorted(before.keys() | after.keys()):
        if before.get(place) != after.get(place):
            yield place, before.get(place), after.get(place)


def _numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _numbers(part, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        taken: dict[str, int] = {}
        for index, part in enumerate(value):
            label = _label(part) or str(index)
            taken[label] = taken.get(label, 0) + 1
            suffix = f"#{taken[label]}" if taken[label] > 1 else ""
            yield from _numbers(part, f"{place}[{label}{suffix}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, float(value)


def _label(row: Any) -> str:
    if not isinstance(row, dict):
        return ""
    return " ".join(str(row[key]) for key in _IDENTITY if isinstance(row.get(key), str | float))


def main(arguments: list[str]) -> int:
    """Prints the differing numbers, one per line.

    Returns:
        0 when all numbers agree, else 1.
    """
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    rows = list(differences(Path(arguments[0]), Path(arguments[1])))
    for place, before, after in rows:
        sys.stdout.write(f"{place}: {before} | {after}\n")
    sys.stdout.write(f"{len(rows)} numbers differ\n")
    return 1 if rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
