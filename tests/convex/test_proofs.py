"""Every ledger holds on its data, and fails on data that are not as it says."""

from dataclasses import replace

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import datasets, experiments, losses, proofs

BETA = {"squared": 0.5, "hinge": 0.01, "logistic": 0.01}


def problem(loss, seed, n=7, d=3):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


@pytest.mark.parametrize("loss", losses.NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_all_rows_hold(loss, seed):
    X, y = problem(loss, seed)
    best = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.02, loss=loss, gap=1e-7)
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
    best = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1, gap=1e-7)
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


@pytest.mark.parametrize("loss", losses.NAMES)
def test_ledgers_of_the_solvers(loss):
    X, y, patterns = datasets.problem(20, 3, 6, loss=loss, seed=2)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-8)
    proofs.block_structure(X, patterns, seed=0).assert_holds()
    proofs.conjugate(loss, y, seed=0).assert_holds()
    proofs.strong_duality(X, y, f).assert_holds()
    proofs.gap_is_complementarity(X, y, patterns, beta=0.3, loss=loss, seed=0).assert_holds()
    proofs.admm_steps(X, y, patterns, beta=0.1, loss=loss, seed=0).assert_holds()
    for noise in (0.0, 0.1, 3.0):
        proofs.certificate(X, y, f, noise=noise, seed=1).assert_holds()


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_robust_ledgers(loss):
    X, y = datasets.plane("random", 10, 0)
    f = convex.fit_robust(X, y, experiments.gates(X, 20, 1, bias=-1), beta=0.01, radius=0.05, bias=-1, loss=loss)
    proofs.robust_certificate(f, X, y).assert_holds()
    proofs.worst_case(f.v[:, 0] - 0.3, X, y, radius=0.05, bias=-1, loss=loss).assert_holds()
    shrunk = replace(f, radius=1.5 * f.radius)
    with pytest.raises(AssertionError, match="C3"):
        proofs.robust_certificate(replace(shrunk, v=-f.v), X, y).assert_holds()


def test_width_loss():
    proofs.width_loss(seed=0).assert_holds()


def test_bad_input_of_the_robust_ledgers():
    with pytest.raises(ValueError, match="^radius moves 13 columns"):
        proofs.worst_case(np.ones(13), np.zeros((2, 13)), [1, 1], radius=0.1)
    with pytest.raises(ValueError, match="^fit = NoneType"):
        proofs.robust_certificate(None, [[1.0]], [1])
