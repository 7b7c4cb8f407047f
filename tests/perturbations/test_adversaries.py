import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import perturbations as P


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0, 5))
def test_the_perturbation_is_the_steepest_of_its_budget(seed, d, eps):
    rng = np.random.default_rng(seed)
    w, X, y = rng.normal(size=d), rng.normal(size=(4, d)), rng.choice([-1.0, 1.0], size=4)
    two = P.perturb(X, y, direction=w, eps=eps) - X
    np.testing.assert_allclose(np.linalg.norm(two, axis=1), eps, atol=1e-12)
    np.testing.assert_allclose(two @ w, y * eps * np.linalg.norm(w), atol=1e-9)
    box = P.perturb(X, y, direction=w, eps=eps, norm="linf") - X
    np.testing.assert_allclose(box @ w, y * eps * np.abs(w).sum(), atol=1e-9)
    k = int(rng.integers(0, d + 1))
    few = P.perturb(X, y, direction=w, eps=k, norm="l0", size=0.5) - X
    best = max((np.abs(w[list(c)]).sum() for c in itertools.combinations(range(d), k)), default=0.0)
    np.testing.assert_allclose(few @ w, 0.5 * y * best, atol=1e-9)
    assert ((few != 0).sum(axis=1) <= k).all()


def test_sets():
    X, y = np.eye(5), np.array([1.0, 1.0, -1.0, -1.0, 1.0])
    natural = P.adversarial_set(X, y, direction=y, eps=0.3, seed=1)
    assert np.array_equal(natural.base, X) and abs(natural.y.sum()) == 1
    np.testing.assert_allclose(natural.eta @ y, natural.y * 0.3 * np.sqrt(5))
    flipped = P.adversarial_set(X, y, direction=y, eps=0.3, labels="deterministic", seed=1)
    assert np.array_equal(flipped.y, -y)
    noise = P.adversarial_set(X, y, direction=y, eps=0.3, base="noise", n=8, seed=1)
    assert noise.X.shape == (8, 5) and np.abs(noise.base).max() <= 1 and noise.y.sum() == 0
    again = P.adversarial_set(X, y, direction=y, eps=0.3, base="noise", n=8, seed=1)
    assert np.array_equal(noise.X, again.X)
    zero = P.adversarial_set(X, y, direction=y, eps=0.0, seed=1)
    assert np.array_equal(zero.X, X)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"eps": -0.1}, r"^eps = -0.1 must be >= 0"),
        ({"direction": np.zeros(5)}, r"^direction is 0"),
        ({"direction": np.ones(4)}, r"^direction has shape \(4,\)"),
        ({"base": "fake"}, r"^base = 'fake' must be one of"),
        ({"labels": "true"}, r"^labels = 'true' must be one of"),
        ({"n": 3}, r"^n = 3 must be left out"),
        ({"base": "noise", "labels": "deterministic"}, r"^labels = 'deterministic' flips"),
        ({"base": "noise", "n": 0}, r"^n = 0.* must be >= 1"),
        ({"norm": "l1"}, r"^norm = 'l1' must be one of"),
        ({"norm": "l0", "eps": 0.5}, r"^eps = 0.5 must be an integer"),
        ({"norm": "l0", "eps": 6}, r"^eps = 6.0 must be >= 0 and <= 5"),
        ({"y": [1, 1, 1, 1, 0]}, r"^y contains 0.0"),
        ({"seed": None}, r"^seed"),
    ],
)
def test_bad_input(change, message):
    good = {"X": np.eye(5), "y": [1, 1, -1, -1, 1], "direction": np.ones(5), "eps": 0.1, "seed": 0}
    with pytest.raises(ValueError, match=message):
        P.adversarial_set(**{**good, **change})
