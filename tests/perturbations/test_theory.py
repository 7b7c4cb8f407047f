"""Assumption (A) and the predictions, against loops, formulas and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments
from tests.perturbations import reference

often = settings(max_examples=30, deadline=None, derandomize=True)


@often
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.05, 0.95))
def test_the_assumption_against_loops(seed, n, leak):
    X, _ = experiments.uniform(n, n + 30, seed)
    o = P.orthogonality(X, leak)
    assert o.p_max == pytest.approx(reference.p_max(X), rel=1e-12)
    assert o.bound == pytest.approx(reference.assumption(X, leak), rel=1e-12)
    assert o.holds == (reference.p_max(X) <= reference.assumption(X, leak)) and o.n == n


@often
@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0.1, 0.95))
def test_multipliers_stay_in_their_interval_under_the_assumption(seed, n, leak):
    X, y = experiments.orthogonal(n, n + 2, seed, norm=3.0)
    rng = np.random.default_rng(seed)
    X = X * rng.uniform(0.9, 1.1, size=(n, 1)) + 1e-3 * leak**3 / n * rng.normal(size=X.shape)
    assert P.orthogonality(X, leak).holds
    low, high = P.multiplier_bounds(X, leak)
    lam = P.kkt_multipliers(X, y, leak)
    assert (low < lam).all() and (lam < high).all()


def test_predicted_accuracy_against_the_formula():
    for eps, N, Na, sigma in ((0.78, 200, 20, 1 / math.sqrt(3)), (1.0, 10, 70, 1.0)):
        got = P.predicted_accuracy(eps=eps, n=N, adversarial=Na, sigma=sigma)
        assert got == pytest.approx(reference.normal_cdf(eps * math.sqrt(Na / N) / sigma))
    corrected = P.predicted_accuracy(eps=0.78, n=200, adversarial=500, leak=0.5, d=2000)
    factor = 1 - (0.625**2 + 0.5**2) / (4 * 0.625**2) * 500 / 2000
    assert corrected == pytest.approx(reference.normal_cdf(0.78 * math.sqrt(2.5) * math.sqrt(3) * factor))
    assert P.predicted_accuracy(eps=0.0, n=5, adversarial=5) == 0.5


@pytest.mark.parametrize("leak", [0.1, 0.5, 0.9])
def test_corrections_of_the_noise_base_against_simulation(leak):
    found = experiments.noise_base(leak, eps=0.5, n=200, adversarial=200, d=1000, trials=40, seed=0)
    assert found.share == pytest.approx(P.noise_share(leak, adversarial=200, d=1000), abs=0.03)
    assert found.factor == pytest.approx(P.dimension_correction(leak, adversarial=200, d=1000), abs=0.03)


def test_cancellation_is_what_is_left():
    """T1's systematic part and T2 of an exactly orthogonal set, as N grows."""
    N = 800
    X, y = np.eye(N), np.tile([1.0, 1.0, -1.0, -1.0], N // 4)
    false = np.tile([1.0, -1.0], N // 2)
    w = y / math.sqrt(N)
    for leak in (0.05, 0.3, 0.6, 0.9):
        for size in (0.3, 1.0):
            eta = size / math.sqrt(N) * false[:, None] * w
            terms = P.second_net_terms(X, false, eta, y[None], leak, multipliers=_unchecked(X + eta, false, leak))
            assert terms.total[0] / terms.perturbation[0] == pytest.approx(P.cancellation(leak), abs=0.006)


def _unchecked(X, y, leak):
    M = (X @ X.T) * np.where(np.equal.outer(y, y), (1 + leak**2) / 2, -leak)
    return np.linalg.solve(M, np.ones(len(y)))


def test_alignment():
    X, y = experiments.orthogonal(9, 12, 0, norm=2.0)
    np.testing.assert_allclose(P.alignment(X, y, X), 1.0)
    assert P.alignment(X, y, (y @ X)[None])[0] == pytest.approx(3.0)
    away = np.linalg.svd(X)[2][-1:]
    assert P.alignment(np.eye(3)[:2], [1, 1], [[0, 0, 1.0]]).tolist() != [0.0] and np.isnan(
        P.alignment(np.eye(3)[:2], [1, 1], [[0, 0, 1.0]])[0]
    )
    assert away.shape == (1, 12)


def test_kappa_is_one_where_the_first_nets_boundary_lies():
    X, y = experiments.orthogonal(16, 20, 0, norm=3.0)
    w = P.direction(X, y, np.ones(16))
    eps = 3.0 / 4.0
    assert P.kappa(X, eps) == pytest.approx(1.0)
    on = P.perturb(X, -y, direction=w, eps=eps)
    np.testing.assert_allclose(on @ w, 0.0, atol=1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: P.orthogonality([[1.0, 0.0], [1.0, 0.0]], 0.5), r"^X has two equal rows, 0 and 1"),
        (lambda: P.orthogonality([[1.0, 0.0], [0.0, 0.0]], 0.5), r"^X has a zero row \(row 1\)"),
        (lambda: P.orthogonality([[1.0, 0.0]], 1.5), r"^leak = 1.5 must be > 0 and < 1"),
        (lambda: P.multiplier_bounds([], 0.5), r"^X has shape"),
        (lambda: P.kappa([[0.0]], 1.0), r"^X is 0 everywhere"),
        (lambda: P.kappa([[1.0]], -1.0), r"^eps = -1.0 must be >= 0"),
        (lambda: P.predicted_accuracy(eps=-1, n=1, adversarial=1), r"^eps = -1.0 must be >= 0"),
        (lambda: P.predicted_accuracy(eps=1, n=0, adversarial=1), r"^n = 0.* must be >= 1"),
        (lambda: P.predicted_accuracy(eps=1, n=1, adversarial=1, leak=0.5), r"^leak and d belong together"),
        (
            lambda: P.dimension_correction(0.5, adversarial=6000, d=2000),
            r"^adversarial = 6000 is too large for d = 2000",
        ),
        (lambda: P.cancellation(0.0), r"^leak = 0.0"),
        (lambda: P.alignment([[1.0]], [1], [[1.0, 2.0]]), r"^Z has shape"),
        (lambda: P.agreement(0.5, -1.0), r"^kappa = -1.0 must be >= 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
