"""What tests of evaluations share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def locked_down() -> None:
    """Skips where this system cannot lock a program down, and says what it does not enforce."""
    from harness.evaluations.programs.guarantees import not_enforced

    broken = not_enforced()
    if broken:
        pytest.skip(f"this system does not lock programs down: {dict(broken)}")
