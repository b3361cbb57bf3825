"""Quantiles and tails against scipy.stats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics import distributions as ours

shares = st.floats(1e-9, 1 - 1e-9)
degrees = st.integers(1, 5000)


@given(shares, st.floats(-8, 8))
def test_normal(share, x):
    assert ours.normal_cdf(x) == pytest.approx(stats.norm.cdf(x), rel=1e-9)
    assert ours.normal_ppf(share) == pytest.approx(stats.norm.ppf(share), rel=1e-9, abs=1e-12)
    assert ours.normal_isf(share) == pytest.approx(stats.norm.isf(share), rel=1e-9, abs=1e-12)


@given(shares, st.floats(-30, 30), degrees)
def test_student(share, x, freedom):
    assert ours.student_sf(x, freedom) == pytest.approx(stats.t.sf(x, freedom), rel=1e-8)
    assert ours.student_isf(share, freedom) == pytest.approx(stats.t.isf(share, freedom), rel=1e-7, abs=1e-9)


@given(shares, st.integers(1, 400), st.integers(1, 400))
def test_beta(share, a, b):
    assert ours.beta_ppf(share, a, b) == pytest.approx(stats.beta.ppf(share, a, b), rel=1e-8)
    assert ours.beta_isf(share, a, b) == pytest.approx(stats.beta.isf(share, a, b), rel=1e-8)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.01, 0.99))
def test_binomial_and_poisson(count, more, share):
    n = count + more
    assert ours.binomial_cdf(count, n, share) == pytest.approx(stats.binom.cdf(count, n, share), rel=1e-8, abs=1e-300)
    counts = np.arange(16.0)
    np.testing.assert_allclose(ours.poisson_cdf(counts, 20 * share), stats.poisson.cdf(counts, 20 * share), rtol=1e-9)
