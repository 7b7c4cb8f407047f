from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import attacks, nets

rng = np.random.default_rng(0)
NETS = {
    "frozen head": nets.FrozenHeadNet(rng.normal(size=(6, 4)), leak=0.3),
    "relu sum": nets.ReLUSum(rng.normal(size=(5, 4)), [1, -1, 1, -1, 1]),
    "single filter": nets.SingleFilterNet(rng.normal(size=(3, 2, 4)), leak=0.1).at([1.0, -0.5]),
}
X = rng.normal(size=(7, 4))
Y = rng.choice([-1.0, 1.0], size=7)


@dataclass
class Linear:
    """Three classes, scores V x: every answer is known."""

    V: np.ndarray

    def predict(self, X):
        return X @ self.V.T

    def pullback(self, X, v):
        return v @ self.V


LINEAR = Linear(rng.normal(size=(3, 4)))


@pytest.mark.parametrize("which", NETS)
def test_pullback_against_finite_differences(which):
    net, v, h = NETS[which], rng.normal(size=7), 1e-6
    found = net.pullback(X, v)
    for i in range(4):
        step = h * np.eye(4)[i]
        slope = v * (net.predict(X + step) - net.predict(X - step)) / (2 * h)
        np.testing.assert_allclose(found[:, i], slope, atol=1e-7)


@pytest.mark.parametrize("norm, eps", [("l2", 0.7), ("linf", 0.3), ("l0", 2)])
@pytest.mark.parametrize("which", NETS)
@pytest.mark.parametrize("target", [None, "flip"])
def test_budgets_and_gains(which, norm, eps, target):
    net, target = NETS[which], None if target is None else -Y
    one = attacks.fgsm(net, X, Y, eps=eps, norm=norm, target=target, size=0.5)
    many = attacks.pgd(net, X, Y, eps=eps, norm=norm, target=target, steps=30, restarts=3, seed=1, size=0.5)
    for attack in (one, many):
        size = {
            "l2": np.linalg.norm(attack.eta, axis=1),
            "linf": np.abs(attack.eta).max(axis=1),
            "l0": (attack.eta != 0).sum(axis=1),
        }[norm]
        assert (size <= eps * (1 + 1e-12)).all()
        assert norm != "l0" or np.abs(attack.eta).max() <= 0.5 + 1e-12
        np.testing.assert_array_equal(attack.success, np.sign(net.predict(attack.X)) == -Y)
        np.testing.assert_allclose(attack.gain, -Y * (net.predict(attack.X) - net.predict(X)), atol=1e-12)
    assert (many.gain >= np.maximum(one.gain, 0) - 1e-12).all()


@pytest.mark.parametrize("norm, eps", [("l2", 0.7), ("linf", 0.3), ("l0", 2)])
def test_on_a_linear_net_one_step_is_the_best(norm, eps):
    """A pair of units u, -u with signs +, - is linear: f(x) = u.x. The optimum is eps times the dual norm of u."""
    u = rng.normal(size=4)
    net = nets.ReLUSum([u, -u], [1, -1])
    best = {"l2": np.linalg.norm(u) * 0.7, "linf": np.abs(u).sum() * 0.3, "l0": np.sort(np.abs(u))[-2:].sum()}[norm]
    np.testing.assert_allclose(attacks.fgsm(net, X, Y, eps=eps, norm=norm).gain, best)
    np.testing.assert_allclose(attacks.pgd(net, X, Y, eps=eps, norm=norm).gain, best, rtol=1e-9)


@pytest.mark.parametrize("norm, eps", [("l2", 2.0), ("linf", 1.5), ("l0", 3)])
def test_ten_classes_protocol(norm, eps):
    y = LINEAR.predict(X).argmax(axis=1)
    away = attacks.pgd(LINEAR, X, y, eps=eps, norm=norm, steps=40, size=3.0)
    assert away.success.mean() > 0.5 and (away.gain >= 0).all()
    target = (y + 1) % 3
    there = attacks.pgd(LINEAR, X, y, eps=eps, norm=norm, steps=40, size=3.0, target=target)
    np.testing.assert_array_equal(there.success, LINEAR.predict(there.X).argmax(axis=1) == target)
    assert (there.gain > 0).all()
    # the ascent direction of the cross-entropy, against finite differences of what is climbed
    problem = attacks._Problem(LINEAR, X, y, 1.0, "l2", target, 1.0, None, None)
    g, h = problem.gradient(X), 1e-6
    for i in range(4):
        step = h * np.eye(4)[i]
        np.testing.assert_allclose(g[:, i], (problem.value(X + step) - problem.value(X - step)) / (2 * h), atol=1e-7)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["l2", "linf", "l0"]))
def test_the_range_of_the_pixels_is_kept(seed, norm):
    own = np.random.default_rng(seed)
    pixels = own.uniform(size=(5, 4)).round(1)
    attack = attacks.pgd(NETS["frozen head"], pixels, Y[:5], eps=2, norm=norm, restarts=2, seed=seed, low=0.0, high=1.0)
    assert attack.X.min() >= 0 and attack.X.max() <= 1 and (attack.gain >= 0).all()


def test_nothing_allowed_moves_nothing():
    for norm in attacks.NORMS:
        for attack in (
            attacks.fgsm(NETS["relu sum"], X, Y, eps=0, norm=norm),
            attacks.pgd(NETS["relu sum"], X, Y, eps=0, norm=norm, restarts=2, seed=0),
        ):
            np.testing.assert_array_equal(attack.X, X)


def test_a_zero_gradient_stays():
    net = nets.ReLUSum([[1.0, 1.0]], [1])
    still = attacks.fgsm(net, [[-1.0, -1.0]], [1], eps=0.5, norm="l2")
    np.testing.assert_array_equal(still.eta, 0.0)
    tiny = nets.ReLUSum([[1e-200, 1e-200], [-1e-200, -1e-200]], [1, -1])
    np.testing.assert_allclose(np.linalg.norm(attacks.fgsm(tiny, [[1.0, 1.0]], [1], eps=0.5, norm="l2").eta), 0.5)


def test_reproducible():
    def run(seed, restarts=3):
        return attacks.pgd(NETS["frozen head"], X, Y, eps=1.0, norm="l2", restarts=restarts, seed=seed, steps=3).X

    assert np.array_equal(run(1), run(1))
    assert attacks.pgd(NETS["frozen head"], X, Y, eps=1.0, restarts=5, seed=1).gain.min() >= 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"net": nets.SingleFilterNet.gate(4)}, r"^net = SingleFilterNet must have .*pullback.* net.at\(w\)"),
        ({"net": 3}, r"^net = int must have predict"),
        ({"X": X[0]}, r"^X has shape \(4,\)"),
        ({"y": Y[:3]}, r"^y has shape \(3,\)"),
        ({"y": np.zeros(7)}, r"^y contains 0.0"),
        ({"eps": -1.0}, r"^eps = -1.0 must be >= 0"),
        ({"eps": np.nan}, r"^eps = nan must be a finite"),
        ({"norm": "l1"}, r"^norm = 'l1' must be one of"),
        ({"norm": "l0"}, r"^eps = 0.5 must be an integer"),
        ({"norm": "l0", "eps": 5}, r"^eps = 5.* must be >= 0 and <= 4"),
        ({"size": 0.0}, r"^size = 0.0 must be > 0"),
        ({"target": [1, 1]}, r"^target has shape \(2,\)"),
        ({"low": 0.0, "high": 1.0}, r"^X has entries outside \[0.0, 1.0\]"),
        ({"low": 1.0, "high": 0.0}, r"^high = 0.0 must be > 1"),
        ({"net": LINEAR, "y": np.full(7, 3)}, r"^y has entries outside 0, ..., 2"),
    ],
)
def test_bad_input(change, message):
    good = {"net": NETS["frozen head"], "X": X, "y": Y, "eps": 0.5, "norm": "l2"}
    for attack in (attacks.fgsm, attacks.pgd):
        with pytest.raises(ValueError, match=message):
            attack(**{**good, **change})


def test_bad_steps():
    for change, message in (
        ({"steps": 0}, r"^steps = 0"),
        ({"restarts": 0}, r"^restarts = 0"),
        ({"step": 0.0}, r"^step = 0.0"),
        ({"seed": -1}, r"^seed"),
        ({"restarts": 2}, r"^seed = None leaves 1 random starts open"),
    ):
        with pytest.raises(ValueError, match=message):
            attacks.pgd(NETS["frozen head"], X, Y, eps=0.5, **change)


def test_a_net_that_works_in_place_does_not_move_the_inputs():
    class Careless:
        def predict(self, X):
            X -= 1.0
            return X[:, 0]

        def pullback(self, X, v):
            return np.outer(v, [1.0, 0.0])

    X = np.array([[1.0, 0.5]])
    with pytest.raises(ValueError, match="read-only"):
        attacks.pgd(Careless(), X, [1], eps=0.1)
    assert X.tolist() == [[1.0, 0.5]]


@pytest.mark.parametrize("attack", [attacks.fgsm, attacks.pgd])
@pytest.mark.parametrize("scores", [np.array([1.0, np.nan]), np.array([[0.0, 1.0], [np.inf, 0.0]])])
def test_a_net_that_overflowed_is_not_called_robust(attack, scores):
    class Overflowed:
        def predict(self, X):
            return scores

        def pullback(self, X, v):
            return np.zeros((2, 2))

    with pytest.raises(ValueError, match="^net predicts .* at row 1; train it with smaller steps"):
        attack(Overflowed(), np.eye(2), [1, 1], eps=0.1)
