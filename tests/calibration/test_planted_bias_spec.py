"""Which planted worlds there are."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.calibration.planted_bias_spec import PlantedBiasSpec

DOSES = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]


@given(st.integers(1, 12), st.integers(2, 12))
def test_every_dose_has_its_worlds_and_every_world_a_seed_of_its_own(each: int, many: int) -> None:
    spec = PlantedBiasSpec(doses=DOSES, zero=0.5, strong=0.9, each=each, many=many)
    cells = list(spec.cells())
    assert len({world for _, world in cells}) == len(cells)
    assert Counter(dose for dose, _ in cells) == {dose: many if dose in (0.5, 0.9) else each for dose in DOSES}
