"""How often a suite was tried under one lock, in a sentence."""

from __future__ import annotations

from harness.storage.run_dir import LockState


def attempt_sentence(lock: LockState) -> str:
    """How often this was tried under one lock: many tries make a pass by luck likely."""
    times = (
        f"{'Attempt' if lock.counted else 'No new attempt: all answers were known;'} {lock.attempts} under {lock.file}"
    )
    distinct = sorted(set(lock.seeds))
    seeds = f", with {len(distinct)} seeds" if len(distinct) > 1 else ""
    held = "" if lock.locked else "; the run was not held to it (no --locked)"
    many = " Each further attempt is another chance to pass by luck." if lock.attempts > 1 else ""
    return f"{times}{seeds}{held}.{many}"
