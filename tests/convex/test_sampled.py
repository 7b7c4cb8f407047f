"""Units that cannot turn."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import convex
from robustnn_core.convex import losses
from tests.convex import reference_patterns as reference


def problem(n, d, loss, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


def test_fixed_units_against_proximal_gradient():
    X, y = problem(20, 4, "squared", seed=2)
    gates = np.random.default_rng(3).standard_normal((4, 15))
    f = convex.fit_sampled(X, y, gates, beta=0.3, gap=1e-9)
    unit = gates / np.linalg.norm(gates, axis=0)
    assert f.converged
    assert reference.lasso(np.maximum(X @ unit, 0.0), y, 0.3) == pytest.approx(f.objective, rel=1e-8)
    own = losses.get("squared").value(f.net.predict(X), y) + 0.3 * np.linalg.norm(f.net.weights, axis=1).sum()
    assert own == pytest.approx(f.objective, rel=1e-12)


@pytest.mark.parametrize("loss", losses.NAMES)
def test_fixed_units_cost_more(loss):
    for seed in range(5):
        X, y = problem(30, 4, loss, seed)
        gates = np.random.default_rng(seed).standard_normal((4, 12))
        active = X @ gates >= 0
        keep = np.unique(active, axis=1, return_index=True)[1]
        keep = keep[active[:, keep].any(axis=0)]
        turning = convex.fit(X, y, convex.Patterns(active[:, keep], gates[:, keep]), beta=0.01, loss=loss, gap=1e-6)
        fixed = convex.fit_sampled(X, y, gates, beta=0.01, loss=loss)
        assert fixed.converged and fixed.lower_bound <= fixed.objective
        assert turning.lower_bound <= fixed.objective


def test_scale_does_not_matter():
    X, y = problem(25, 3, "squared", seed=4)
    gates = np.random.default_rng(5).standard_normal((3, 10))
    one = convex.fit_sampled(X, y, gates, beta=0.3, gap=1e-9)
    other = convex.fit_sampled(X, 1e4 * y, 7.0 * gates, beta=0.3e4, gap=1e-9)
    assert other.objective == pytest.approx(1e8 * one.objective, rel=1e-7)


def test_same_bits():
    X, y = problem(40, 5, "logistic", seed=6)
    gates = convex.sample_patterns(X, 30, seed=0).gates
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(convex.fit_sampled(X, y, gates, beta=0.01, loss="logistic").alpha)
    np.testing.assert_array_equal(*found)


def test_bad_input():
    X, y = problem(6, 2, "squared", seed=0)
    with pytest.raises(ValueError, match="zero column 1"):
        convex.fit_sampled(X, y, [[1.0, 0.0], [0.0, 0.0]], beta=0.1)
    with pytest.raises(ValueError, match=r"\+1 and -1"):
        convex.fit_sampled(X, y, np.eye(2), beta=0.1, loss="hinge")
    with pytest.raises(ValueError, match="beta"):
        convex.fit_sampled(X, y, np.eye(2), beta=0.0)
