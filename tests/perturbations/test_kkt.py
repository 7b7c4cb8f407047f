"""The KKT point against loops, and the second net's verdict at it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments
from tests.perturbations import reference

often = settings(max_examples=30, deadline=None, derandomize=True)


@often
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.05, 0.95))
def test_against_loops(seed, n, leak):
    X, y = experiments.uniform(n, n + 30, seed)
    try:
        lam = P.kkt_multipliers(X, y, leak)
    except ValueError:
        assume(False)
    assert max(reference.kkt_residuals(lam, X, y, leak)) < 1e-9
    net = P.kkt_net(X, y, leak, width=6)
    np.testing.assert_allclose(y * net.predict(X), 1.0, rtol=1e-9)
    assert (net.weights**2).sum() == pytest.approx(lam.sum())
    z = np.random.default_rng(seed).normal(size=(20, X.shape[1]))
    np.testing.assert_array_equal(np.sign(net.predict(z)), np.sign(z @ P.direction(X, y, lam)))


def test_kkt_multipliers_refuse_what_is_no_kkt_point():
    X = np.array([[1.0, 0.0], [5.0, 0.1]])
    with pytest.raises(ValueError, match=r"^X gives the multiplier -.* train_flow"):
        P.kkt_multipliers(X, [1, 1], 0.5)
    with pytest.raises(ValueError, match=r"^X breaks the pattern|^X gives"):
        P.kkt_multipliers(np.array([[1.0, 0.0], [-1.0, 0.1], [0.2, 3.0]]), [1, 1, 1], 0.1)


@often
@given(st.integers(0, 10**6), st.floats(0.2, 0.95), st.floats(0.0, 1.0))
def test_the_second_nets_verdict_is_t1_plus_t2(seed, leak, share):
    X, y = experiments.orthogonal(6, 12, seed, norm=1.0)
    w = P.direction(X, y, np.ones(6))
    adv = P.adversarial_set(X, y, direction=w, eps=share * leak**3 / 60, seed=seed)
    Z = np.random.default_rng(seed).normal(size=(30, 12))
    terms = P.second_net_terms(adv.base, adv.y, adv.eta, Z, leak)
    net = P.kkt_net(adv.X, adv.y, leak)
    np.testing.assert_array_equal(np.sign(terms.total), np.sign(net.predict(Z)))
    np.testing.assert_allclose(terms.multipliers, P.kkt_multipliers(adv.X, adv.y, leak))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: P.kkt_multipliers([[1.0]], [2], 0.5), r"^y contains 2.0"),
        (lambda: P.kkt_multipliers([[1.0, 2.0], [1.0, 2.0]], [1, -1], 0.5), r"^X has two equal rows"),
        (lambda: P.kkt_net([[1.0]], [1], 0.5, width=3), r"^width = 3 must be even"),
        (lambda: P.second_net_terms([[1.0]], [1], [[1.0, 2.0]], [[1.0]], 0.5), r"^eta has shape"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
