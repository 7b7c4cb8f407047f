"""Every ledger holds on whatever data it is about; that every row can fail is in ``test_mutations.py``."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments, proofs

often = settings(max_examples=25, deadline=None, derandomize=True)


def near_orthogonal(seed, n, leak, share=0.9):
    """Data inside (A), up to ``share`` of what it allows."""
    X, y = experiments.orthogonal(n, n + 4, seed, norm=2.0)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=X.shape)
    X = X * rng.uniform(0.95, 1.05, size=(n, 1))
    size = 1.0
    while True:
        o = P.orthogonality(X + size * noise, leak)
        if o.p_max <= share * o.bound:
            return X + size * noise, y
        size /= 1.5


@often
@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0.1, 0.98), st.floats(0.1, 1.0))
def test_the_theorem(seed, n, leak, share):
    X, y = near_orthogonal(seed, n, leak, share)
    proofs.loss_to_zero(X, y, leak, seed=seed).assert_holds()
    proofs.implicit_bias(X, y, leak, seed=seed).assert_holds()


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_the_flow_arrives(loss):
    X, y = near_orthogonal(1, 8, 0.9)
    run = P.train_flow(X, y, leak=0.9, steps=500, seed=0, loss=loss)
    proofs.flow_limit(run).assert_holds()
    proofs.loss_to_zero(X, y, 0.9, seed=0, weights=run.net.weights / np.abs(run.margins).max()).assert_holds()


@often
@given(st.integers(0, 10**6), st.integers(2, 8), st.floats(0.3, 0.98))
def test_the_second_net(seed, n, leak):
    X, y = experiments.orthogonal(n, n + 4, seed, norm=2.0)
    w = P.direction(X, y, P.kkt_multipliers(X, y, leak))
    eps = 2.0 / np.sqrt(n) * leak**3 / 12
    adv = P.adversarial_set(X, y, direction=w, eps=eps, seed=seed)
    Z = np.random.default_rng(seed).normal(size=(40, X.shape[1]))
    proofs.second_net(adv.base, adv.y, adv.eta, Z, leak, first=w).assert_holds()
    proofs.weak_alignment(X, y, Z).assert_holds()


@often
@given(
    st.integers(0, 10**6),
    st.integers(1, 6),
    st.floats(0.1, 0.98),
    st.sampled_from([0.1, 0.5, 0.9, 1.0, 1.5, 3.0]),
    st.booleans(),
)
def test_reflection(seed, half, leak, share, far):
    X, y = experiments.orthogonal(2 * half, 2 * half + 2, seed, norm=3.0)
    kappa = share * leak**3 / 6
    proofs.reflection(X, y, leak, kappa=2 + kappa * (-1) ** seed if far else kappa, seed=0).assert_holds()
    assert proofs.reflection(X, y, leak, kappa=2.0, seed=0).assert_holds().rows[-1].label == "K9"


def test_unbalanced_labels_break_the_reflection_rule():
    """Why balance is asked for: with 1 label against 7 the second normal is no multiple of the first one."""
    X, y = np.eye(8), np.array([1.0] + [-1.0] * 7)
    w = P.direction(X, y, np.ones(8))
    moved = P.perturb(X, -y, direction=w, eps=0.1 / np.sqrt(8))
    assert P.orthogonality(moved, 0.9).holds
    normal = P.direction(moved, -y, P.kkt_multipliers(moved, -y, 0.9))
    cosine = normal @ w / np.linalg.norm(normal) / np.linalg.norm(w)
    assert cosine < -0.99 and cosine > -1 + 1e-9
    np.testing.assert_array_equal(np.sign(X @ normal), -y)  # on the data itself the rule still holds
    # a point between the two boundaries
    z = w - (w @ normal) / (normal @ normal) * normal
    z = z + 0.5 * (z @ w) / np.linalg.norm(w) * normal / np.linalg.norm(normal)
    assert np.sign(z @ normal) == np.sign(z @ w) == 1.0  # where the rule says they differ
    with pytest.raises(ValueError, match=r"^y has 1 of 8 labels \+1; they must balance"):
        proofs.reflection(X, y, 0.9, kappa=0.1, seed=0)


@pytest.mark.parametrize("leak", [0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kappa", [0.3, 1.0, 2.0])
def test_cancellation(leak, kappa):
    for blocks in (1, 100):  # exact for every N, not only a limit
        y, false = np.tile([1.0, 1.0, -1.0, -1.0], blocks), np.tile([1.0, -1.0], 2 * blocks)
        proofs.cancellation(np.eye(4 * blocks), y, false, leak, kappa=kappa).assert_holds()


@pytest.mark.parametrize("leak", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("kappa", [0.5, 1.5, 3.0])
def test_two_regimes_of_random_labels(leak, kappa):
    y, labels = np.tile([1.0, 1, -1, -1], 30), np.tile([1.0, -1], 60)
    X = experiments.orthogonal(120, 150, 0)[0]
    w = (y @ X) / np.sqrt(120)
    run = P.train_flow(X + kappa / np.sqrt(120) * labels[:, None] * w, labels, leak=leak, steps=600, seed=1)
    Z = np.random.default_rng(0).standard_normal((20_000, 150))
    assert np.mean(np.sign(run.net.predict(Z)) == np.sign(Z @ w)) == pytest.approx(P.agreement(leak, kappa), abs=0.03)
    assert np.mean(np.sign(run.net.predict(X)) == y) == (1.0 if kappa > 2 else 0.5)
    support = run.multipliers > 1e-3 * run.multipliers.max()
    if kappa > 1 / (1 - P.cancellation(leak)) + 0.1:
        np.testing.assert_array_equal(support, y * labels < 0)
        proofs.false_half(X, y, labels, leak, kappa=kappa).assert_holds()
    else:
        assert support.all()


def test_a_run_that_has_not_arrived_is_found():
    X, y = near_orthogonal(1, 8, 0.9)
    run = P.train_flow(X, y, leak=0.9, steps=8, seed=0, start_scale=2.0)
    with pytest.raises(AssertionError, match="steps fail"):
        proofs.flow_limit(run).assert_holds()


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: proofs.implicit_bias([[1.0, 0.9], [0.9, 1.0]], [1, 1], 0.5, seed=0),
            r"^X has p_max = .* outside assumption \(A\)",
        ),
        (lambda: proofs.loss_to_zero([[1.0, 0.9], [0.9, 1.0]], [1, 1], 0.5, seed=0), r"^X has p_max"),
        (
            lambda: proofs.reflection([[1.0, 0.5], [0.0, 1.0]], [1, -1], 0.5, kappa=1.0, seed=0),
            r"^X must have orthogonal rows",
        ),
        (lambda: proofs.reflection(np.eye(2), [1, -1], 0.5, kappa=0.0, seed=0), r"^kappa = 0.0 must be > 0"),
        (
            lambda: proofs.cancellation(np.eye(4), [1, 1, -1, -1], [1, 1, -1, -1], 0.5, kappa=1.0),
            r"^y and labels must balance",
        ),
        (
            lambda: proofs.cancellation(np.diag([1.0, 1.0, 1.0, 2.0]), [1, 1, -1, -1], [1, -1, 1, -1], 0.5, kappa=1.0),
            r"^X must have orthogonal rows of one norm",
        ),
        (
            lambda: proofs.false_half(np.eye(4) + 0.1, [1, 1, -1, -1], [1, -1, 1, -1], 0.5, kappa=3.0),
            r"^X must have orthogonal rows of one norm",
        ),
        (
            lambda: proofs.false_half(np.eye(4), [1, 1, -1, -1], [1, -1, 1, -1], 0.4, kappa=3.0),
            r"^leak = 0.4 must be >= 0.5",
        ),
        (
            lambda: proofs.false_half(np.eye(4), [1, 1, -1, -1], [1, -1, 1, -1], 0.5, kappa=1.0),
            r"^kappa = 1.0 must be > ",
        ),
        (
            lambda: proofs.false_half(np.eye(4), [1, 1, -1, -1], [1, 1, 1, -1], 0.5, kappa=2.0),
            r"^y and labels must balance",
        ),
        (lambda: proofs.weak_alignment(np.eye(2) + 0.1, [1, -1], [[1.0, 1.0]]), r"^X must have orthogonal rows"),
        (lambda: proofs.weak_alignment(np.eye(3)[:2], [1, -1], [[0.0, 0, 1]]), r"^Z has a row orthogonal to all of X"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
