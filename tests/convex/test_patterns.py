import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import convex


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 9), st.integers(1, 3), st.integers(0, 10**6))
def test_sampled_patterns_are_among_the_enumerated(n, d, seed):
    X = np.random.default_rng(seed).standard_normal((n, d))
    every = convex.enumerate_patterns(X)
    assert (((X @ every.gates) >= 0) == every.active).all()
    total = convex.arrangement_count(n, np.linalg.matrix_rank(X))
    blind = d >= n or not (X @ np.linalg.lstsq(X, -np.ones(n), rcond=None)[0] >= 0).any()
    assert every.count in ((total - 1,) if blind else (total - 1, total))
    drawn = convex.sample_patterns(X, 50, seed=seed)
    assert {c.tobytes() for c in drawn.active.T} <= {c.tobytes() for c in every.active.T}


def test_ties_and_degenerate_points():
    X = np.c_[np.array(list(np.ndindex(3, 3)), float) - 1, np.ones(9)]
    every = convex.enumerate_patterns(X)
    drawn = convex.sample_patterns(X, 20_000, seed=1)
    assert every.count == drawn.count == 57


def test_margin_scales_and_screen_agrees():
    X = np.random.default_rng(0).standard_normal((10, 3))
    pats = convex.enumerate_patterns(X)
    t = convex.robust_margins(X, pats, 0.05)
    np.testing.assert_allclose(convex.robust_margins(X, pats, 0.1), t / 2, rtol=1e-6)
    assert convex.screen_patterns(X, pats, 0.05).count == (t >= 1).sum()


def test_bad_input():
    with pytest.raises(ValueError, match="limit"):
        convex.enumerate_patterns(np.random.default_rng(0).standard_normal((20, 5)), limit=10)
    with pytest.raises(ValueError, match="none of count"):
        convex.sample_patterns([[0.0]], 1, seed=0)


def test_needed():
    assert convex.patterns_needed(600, psi=0.1, xi=0.1) == 12067
    assert convex.patterns_needed(600, psi=0.1, xi=0.1, exact=True) == 6310
