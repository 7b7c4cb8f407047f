from dataclasses import replace

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import losses, proofs


def problem(loss, seed, n=7, d=3):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


@pytest.mark.parametrize("loss", losses.NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_all_rows_hold(loss, seed):
    X, y = problem(loss, seed)
    best = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.02, loss=loss, tol=1e-7)
    assert [row.label for row in proofs.hidden_convexity(X, y, best, seed=seed).assert_holds().rows][-1] == "n"
    proofs.global_certificate(X, y, best, seed=seed).assert_holds()
    sampled = convex.fit(X, y, convex.sample_patterns(X, 4, seed=seed), beta=0.02, loss=loss)
    ledger = proofs.global_certificate(X, y, sampled, seed=seed).assert_holds()
    assert ledger.rows[-1].lhs <= best.objective  # a bound for every net, so for the optimal one


@pytest.mark.parametrize("loss", losses.NAMES)
def test_few_essential(loss):
    X, y = problem(loss, 2, n=4)
    gates = np.random.default_rng(3).standard_normal((3, 10))
    assert (
        proofs.few_essential(X, y, np.hstack([gates, gates[:, :2]]), 0.02, loss=loss).assert_holds().rows[-1].rhs == 4.0
    )


def test_zero_net():
    X, y = problem("squared", 4)
    zero = convex.fit(X, y, convex.enumerate_patterns(X), beta=1e3)
    proofs.hidden_convexity(X, y, zero, seed=0).assert_holds()
    proofs.global_certificate(X, y, zero, seed=0).assert_holds()


def test_a_spoiled_fit_fails():
    """The ledgers can fail: a dual that is not one, an objective that is not the net's."""
    X, y = problem("squared", 5)
    best = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1, tol=1e-7)
    moved = proofs.hidden_convexity(X, y, replace(best, objective=best.objective + 1e-3), seed=0)
    with pytest.raises(AssertionError, match=r"1 of 8 steps fail\n  \(1\)"):
        moved.assert_holds()
    assert not all(row.holds for row in proofs.hidden_convexity(X, y, replace(best, dual=y), seed=0).rows)


def test_bad_input():
    X, y = problem("squared", 6)
    some = convex.fit(X, y, convex.sample_patterns(X, 3, seed=0), beta=0.1)
    with pytest.raises(ValueError, match="enumerate_patterns"):
        proofs.hidden_convexity(X, y, some, seed=0)
    with pytest.raises(ValueError, match="must be a Fit"):
        proofs.global_certificate(X, y, None, seed=0)
    with pytest.raises(ValueError, match="two or more"):
        proofs.few_essential(X, y, np.ones((3, 1)), 0.1)
