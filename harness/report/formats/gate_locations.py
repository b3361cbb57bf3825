"""Where a gate stands: its suite file as a CI system names it, and its line."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo


def suite_file(info: RunInfo | None, root: Path) -> str | None:
    """The path of the suite whose gates judged, below `root` and with `/`; None when it stands elsewhere."""
    if info is None:
        return None
    written = info.judged_by.suite_path if info.judged_by is not None else info.suite_path
    if written is None:
        return None
    try:
        relative = Path(written).absolute().relative_to(root.absolute())
    except ValueError:
        return None
    return str(PurePosixPath(*relative.parts))


def line_of(gate: GateResult) -> int | None:
    """The gate's line in its suite; None for a policy's gate, which stands in another file."""
    if gate.policy is not None:
        return None
    line = (gate.where or "").rpartition(":")[2]
    return int(line) if line.isdecimal() else None
