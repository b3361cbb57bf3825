"""How OpenMP's threads wait for their next piece of work, by the environment that GNU OpenMP reads when it loads."""

from __future__ import annotations

import os

POLICY = "OMP_WAIT_POLICY"
SPIN = "GOMP_SPINCOUNT"


def waiting() -> str:
    """`sleep`, `spin`, or how many turns threads spin before they sleep; what is no plain number, as it was set."""
    turns = os.environ.get(SPIN, "")
    if turns:
        return f"spin {turns} turns, then sleep" if turns.isdecimal() else f"{SPIN}={turns}"
    return "sleep" if os.environ.get(POLICY, "").upper() == "PASSIVE" else "spin"
