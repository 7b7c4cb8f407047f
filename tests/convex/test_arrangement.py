"""Every cell of an arrangement, and each once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import convex
from tests.convex import reference_patterns as reference


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


@pytest.mark.parametrize("shape", [(5, 2), (6, 3), (7, 4), (6, 1)])
def test_cells_against_splitting_one_by_one(shape):
    X = np.random.default_rng(sum(shape)).standard_normal(shape)
    every = convex.enumerate_patterns(X)
    expected = {tuple(s > 0 for s in signs) for signs in reference.cells(X)} - {(False,) * len(X)}
    assert {tuple(bool(b) for b in c) for c in every.active.T} == expected


def test_bad_input():
    with pytest.raises(ValueError, match="no nonzero point"):
        convex.enumerate_patterns(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="limit"):
        convex.enumerate_patterns(np.random.default_rng(0).standard_normal((20, 5)), limit=10)
