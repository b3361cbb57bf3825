import pytest

from harness.pipeline.results.inference_cost import break_even, request_costs


def test_costs_by_a_thousand_items_and_when_training_pays() -> None:
    found = request_costs(
        {"reviews": {"base": 40.0, "tuned": 10.0, "slow": 50.0}, "empty": {"base": 1.0}},
        {"reviews": 200, "empty": 0},
        {"base": 500.0, "tuned": 60.0, "slow": 60.0},
        {"base": None, "tuned": "base", "slow": "base"},
        threads=2,
    )
    assert set(found) == {"reviews"}
    tuned = found["reviews"]["tuned"]
    assert tuned["seconds_per_1000"] == 50
    assert tuned["energy_wh_per_1000"] == pytest.approx(50 * 20 / 3600, abs=1e-6)
    assert (tuned["against"], tuned["break_even"]) == ("base", 400)
    assert found["reviews"]["slow"]["break_even"] is None, "it never pays"
    assert "break_even" not in found["reviews"]["base"]


def test_work_stands_beside_time_where_it_was_counted() -> None:
    work = {("reviews", "base"): {"tokens": 400, "flops": 5e6, "peak_memory": 2**30}, ("reviews", "slow"): {}}
    spent, parents = {"reviews": {"base": 40.0, "slow": 50.0}}, {"base": None, "slow": None}
    found = request_costs(spent, {"reviews": 200}, {}, parents, threads=1, work=work)
    base = found["reviews"]["base"]
    assert (base["tokens_per_1000"], base["flops_per_1000"], base["peak_memory"]) == (2000, 25_000_000, 2**30)
    assert "flops_per_1000" not in found["reviews"]["slow"]


def test_at_the_break_even_both_have_taken_as_long() -> None:
    n = break_even(60.0, 0.05, 0.2)
    assert n is not None
    assert 60 + 0.05 * n <= 0.2 * n + 1e-9
    assert 60 + 0.05 * (n - 1) > 0.2 * (n - 1)
