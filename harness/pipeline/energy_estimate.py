"""What a job's electricity may have been: an estimate from stated assumptions, never a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WATTS_A_THREAD = 10.0
"""A busy core of a server's CPU: its thermal design power over its cores, rounded up."""
WATTS_A_GIB = 0.375
"""Memory: 3 W for 8 GiB, as codecarbon assumes."""
WATTS_A_GPU = 300.0


def with_energy(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage measured, with the estimate of its energy in place of the processors that it used."""
    kept = {name: value for name, value in measured.items() if name not in {"threads", "gpus"}}
    return kept | estimate(
        float(measured["seconds"]),
        threads=int(measured["threads"]),
        memory=float(measured["peak_memory"]),
        graphics=int(measured["gpus"]),
    )


def estimate(seconds: float, *, threads: int, memory: float, graphics: int = 0) -> dict[str, Any]:
    """`energy_wh` (watt-hours) and `energy_assumed`, the assumptions in words.

    Cooling and what the machine draws when idle are not counted.

    Args:
        seconds: wall time.
        threads: CPU threads in use.
        memory: bytes at the peak.
        graphics: GPUs in use.
    """
    watts = threads * WATTS_A_THREAD + memory / 2**30 * WATTS_A_GIB + graphics * WATTS_A_GPU
    parts = [f"{WATTS_A_THREAD:g} W per CPU thread ({threads})", f"{WATTS_A_GIB:g} W per GiB of peak memory"]
    if graphics:
        parts.append(f"{WATTS_A_GPU:g} W per GPU ({graphics})")
    return {
        "energy_wh": round(watts * seconds / 3600, 6),
        "energy_assumed": f"estimated, not measured: {', '.join(parts)}; excluding cooling",
    }
