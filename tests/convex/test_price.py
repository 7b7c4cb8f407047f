"""The price of a dual point, by ascents and cell by cell."""

import numpy as np
import pytest

from robustnn_core import convex
from tests.convex import reference_patterns as reference


def problem(n, d, loss, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


def test_local_price_is_below_the_exhaustive_bound():
    rng = np.random.default_rng(2)
    for _ in range(5):
        X, lam = rng.standard_normal((10, 3)), rng.standard_normal(10)
        every = convex.price(X, lam, 0.1, seed=0, exhaustive=True)
        local = convex.price(X, lam, 0.1, seed=0)
        assert local.value <= every.bound * (1 + 1e-9)
        assert every.bound <= every.value * (1 + 1e-6)
        assert reference.price_by_sampling(X, lam, 2000, rng) <= every.bound * (1 + 1e-9)
        for found in (every, local):
            got = lam @ np.maximum(X @ found.gates, 0.0)
            np.testing.assert_allclose(
                found.signs[found.values > 1e-9] * got[found.values > 1e-9],
                found.values[found.values > 1e-9],
                rtol=1e-6,
            )


def test_price_of_given_cells():
    X, lam = problem(9, 3, "squared", seed=8)
    cells = convex.enumerate_patterns(X)
    every = convex.price(X, lam, 0.1, exhaustive=True)
    assert convex.price(X, lam, 0.1, patterns=cells).value == every.value
    assert convex.price(X, lam, 0.1, patterns=cells.take([0, 3])).bound <= every.bound


def test_bad_input():
    X, y = problem(8, 2, "squared", seed=0)
    with pytest.raises(ValueError, match="give a seed"):
        convex.price(X, y, 0.1)
    with pytest.raises(ValueError, match="must be Patterns"):
        convex.price(X, y, 0.1, patterns=[[True]])
    with pytest.raises(ValueError, match="dual"):
        convex.price(X, y[:3], 0.1, seed=0)
    with pytest.raises(ValueError, match="beta"):
        convex.price(X, y, 0.0, seed=0)
