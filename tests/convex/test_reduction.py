"""The same predictions from few blocks."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import convex
from robustnn_core.convex import losses


def problem(n, d, loss, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


@pytest.mark.parametrize("loss", losses.NAMES)
@pytest.mark.parametrize("shape", [(4, 2), (7, 3), (10, 3)])
def test_reduction(loss, shape):
    X, y = problem(*shape, loss, seed=1)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.02, loss=loss, gap=1e-6)
    g = convex.reduce_blocks(X, y, f)
    length = np.linalg.norm(np.hstack([g.v, g.w]), axis=0)
    assert (length > 1e-9 * length.max()).sum() <= len(X)
    assert g.blocks <= f.blocks
    assert g.lower_bound == f.lower_bound <= g.objective <= f.objective
    np.testing.assert_allclose(g.net.predict(X), f.net.predict(X), atol=1e-12 * max(1.0, np.abs(y).max()))
    E = 2.0 * g.patterns.active - 1.0
    assert (E * (X @ g.v)).min() >= 0 and (E * (X @ g.w)).min() >= 0
    own = losses.get(loss).value(g.net.predict(X), y) + f.beta * np.linalg.norm(g.net.weights, axis=1).sum()
    assert own == pytest.approx(g.objective, rel=1e-11)


def test_reduction_of_nothing_and_of_one_point():
    X, y = np.array([[2.0, 1.0], [1.0, -1.0]]), np.array([1.0, 2.0])
    zero = convex.fit(X, y, convex.enumerate_patterns(X), beta=100.0)
    assert convex.reduce_blocks(X, y, zero).blocks == 0
    one = convex.fit(X[:1], y[:1], convex.enumerate_patterns(X[:1]), beta=0.1)
    assert convex.reduce_blocks(X[:1], y[:1], one).blocks == 1


def test_same_bits():
    X, y = problem(40, 5, "logistic", seed=6)
    patterns = convex.sample_patterns(X, 30, seed=0)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            f = convex.fit(X, y, patterns, beta=0.01, loss="logistic")
            found.append(convex.reduce_blocks(X, y, f).net.weights)
    np.testing.assert_array_equal(*found)


def test_bad_input():
    X, y = problem(6, 2, "squared", seed=0)
    with pytest.raises(ValueError, match="must be a Fit"):
        convex.reduce_blocks(X, y, None)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1)
    with pytest.raises(ValueError, match="X has shape"):
        convex.reduce_blocks(X[:3], y[:3], f)
