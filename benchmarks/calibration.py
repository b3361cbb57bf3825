"""The calibration that stands with the package: many planted worlds, each with models trained on its own.

    python benchmarks/calibration.py worlds --dose 0.5 --first 0 --count 200 --minutes 9
    python benchmarks/calibration.py result

`worlds` carries suites/calibration.yaml out in one world after the other and appends a JSON line for each to a shard in
benchmarks/calibration/. Worlds that a shard holds already are passed over, so that it can be killed and started again,
and several can run side by side on ranges of their own. `result` reads the shards and writes
harness/schema/probe_calibration.json, which reports read, and the table in docs/bias.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.calibration.driver import WORLD_FORMAT
from harness.calibration.load_calibration import CalibrationSuite, load_any_suite
from harness.calibration.measure import World, measure
from harness.calibration.probe_validity import calibrated, table
from harness.core.digests import digest
from harness.core.reporter import Silent
from harness.storage import atomic
from harness.storage.store import Store
from harness.suite.suite import Suite

HERE = Path(__file__).parent
SHARDS = HERE / "calibration"
RESULT = HERE.parent / "harness" / "schema" / "probe_calibration.json"
PAGE = HERE.parent / "docs" / "bias.md"
BEGIN, END = "<!-- calibration -->", "<!-- end of calibration -->"
OTHER_ZEROS = {"pronouns": 0.7}
"""The probe counts in a world with 0.7: a model that learned such a world amplifies nothing."""
SUITE = HERE.parent / "suites" / "calibration.yaml"


def identity(suite: Suite) -> str:
    """Digest of what decides a world: its data, models and what they learn. Probes may be added or renamed."""
    return digest({section: suite.value[section] for section in ("data", "models", "tasks")})


def shard_path(dose: float, first: int) -> Path:
    return SHARDS / f"dose-{dose:g}-from-{first}.jsonl"


def read_shards() -> tuple[dict[tuple[float, int], World], set[str]]:
    """(dose, world) → its figures, and the digests of the suites that made them."""
    found: dict[tuple[float, int], World] = {}
    digests: set[str] = set()
    for path in sorted(SHARDS.glob("*.jsonl")):
        head: dict[str, Any] = {}
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if "columns" in entry:
                head = entry
                digests.add(head["suite"])
            else:
                found[entry["dose"], entry["world"]] = _unpacked(head, entry["figures"])
    return found, digests


def _columns(world: World) -> list[list[Any]]:
    return [
        [model, name, told["protocol"], metric, figure["direction"], figure["ideal"], figure["clusters"]]
        for model, one in world.items()
        for name, told in one["evaluations"].items()
        for metric, figure in told["figures"].items()
    ]


def _packed(world: World, columns: list[list[Any]]) -> list[Any]:
    rows: list[Any] = []
    for model, name, _, metric, *_ in columns:
        figure = world[model]["evaluations"][name]["figures"].get(metric, {})
        numbers = [figure.get(key) for key in ("value", "low", "high")]
        rows.append([None if number is None else float(f"{number:.5g}") for number in numbers])
    return rows


def _unpacked(head: dict[str, Any], rows: list[Any]) -> World:
    world: dict[str, Any] = {}
    for (model, name, protocol, metric, direction, ideal, clusters), (value, low, high) in zip(
        head["columns"], rows, strict=True
    ):
        one = world.setdefault(model, {"facts": head["facts"][model], "evaluations": {}})
        told = one["evaluations"].setdefault(name, {"protocol": protocol, "figures": {}})
        told["figures"][metric] = {
            "value": value,
            "low": low,
            "high": high,
            "direction": direction,
            "ideal": ideal,
            "clusters": clusters,
        }
    return world


def make_worlds(suite: CalibrationSuite, dose: float, first: int, count: int, minutes: float) -> None:
    path = shard_path(dose, first)
    SHARDS.mkdir(exist_ok=True)
    done = {world for known, world in read_shards()[0] if known == dose}
    wanted = [world for world in range(first, first + count) if world not in done]
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    columns = json.loads(lines[0])["columns"] if lines else None
    if lines and json.loads(lines[0])["suite"] != identity(suite):
        raise SystemExit(f"{path.name} was made by another suite; remove it to begin anew")
    started = time.monotonic()
    for number, world in enumerate(wanted):
        spent = time.monotonic() - started
        if number and spent * (number + 1) / number > 60 * minutes:
            break
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(suite, dose, world, Store(Path(folder)), Silent(), device="cpu")
        if columns is None:
            columns = _columns(figures)
            facts = {model: figures[model]["facts"] for model in figures}
            head = {"format": WORLD_FORMAT, "suite": identity(suite), "columns": columns, "facts": facts}
            _append(path, head)
        _append(path, {"dose": dose, "world": world, "figures": _packed(figures, columns)})
        pace = (time.monotonic() - started) / (number + 1)
        sys.stdout.write(f"dose {dose:g}: world {world}, {len(wanted) - number - 1} left, {pace:.0f} s each\n")
        sys.stdout.flush()


def _append(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, separators=(",", ":")) + "\n")


def write_result(suite: CalibrationSuite) -> None:
    """Sums up the shards."""
    worlds = suite.planted_bias
    found, digests = read_shards()
    if digests != {identity(suite)}:
        raise SystemExit("some shards were made by another suite; remove them or put the suite back")
    result = calibrated(
        found,
        {name: spec.kind for name, spec in suite.probes.items()},
        zero=worlds.zero,
        strong=worlds.strong,
        zeros=OTHER_ZEROS,
        command="python benchmarks/calibration.py worlds, then result",
        suite=identity(suite),
    )
    atomic.write_text(RESULT, json.dumps(result.model_dump(mode="json"), indent=1) + "\n")
    before, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE.name} lacks the marks {BEGIN!r} and {END!r}")
    atomic.write_text(PAGE, f"{before}{BEGIN}\n{table(result)}\n{END}{after}")
    sys.stdout.write(table(result) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    worlds = commands.add_parser("worlds")
    worlds.add_argument("--dose", type=float, required=True)
    worlds.add_argument("--first", type=int, default=0)
    worlds.add_argument("--count", type=int, default=10)
    worlds.add_argument("--minutes", type=float, default=9.0)
    commands.add_parser("result")
    arguments = parser.parse_args()
    suite = load_any_suite(str(SUITE))
    assert isinstance(suite, CalibrationSuite)
    if arguments.command == "worlds":
        make_worlds(suite, arguments.dose, arguments.first, arguments.count, arguments.minutes)
    else:
        write_result(suite)


if __name__ == "__main__":
    main()
