import pytest

from harness.core.thread_waiting import POLICY, SPIN, waiting


@pytest.mark.parametrize(
    ("policy", "turns", "said"),
    [
        (None, None, "spin"),
        ("active", None, "spin"),
        ("Passive", None, "sleep"),
        ("PASSIVE", "3000", "spin 3000 turns, then sleep"),
        (None, "0", "spin 0 turns, then sleep"),
        (None, "infinite", "GOMP_SPINCOUNT=infinite"),
        ("PASSIVE", "", "sleep"),
    ],
)
def test_turns_hold_over_the_policy(
    policy: str | None, turns: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ((POLICY, policy), (SPIN, turns)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert waiting() == said
