"""Answers and hidden checks of assignment 1, *How many wrong labels?*"""

import numpy as np

from robustnn_core.breakdown import theory
from robustnn_core.course import call, compare, fail, numbers


def trimmed_loss(residuals, h):
    """Return the sum of the h smallest squares of ``residuals``, an array of shape (n,)."""
    return np.sort(np.asarray(residuals) ** 2)[:h].sum()


def hidden_trimmed_loss(answer):
    rng = np.random.default_rng(11)
    for n in (1, 7, 40):
        r = rng.standard_normal(n)
        for h in {1, n // 2 + 1, n}:
            compare(call(answer, r, h, name="trimmed_loss"), sum(sorted(v * v for v in r)[:h]), name="trimmed_loss")


def survived(X, u):
    """Return a whole number; X has shape (n, d), u has shape (d,)."""
    return (int((X @ u > 0).sum()) - X.shape[1]) // 2


def hidden_survived(answer):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, u = rng.standard_normal((30 + seed, 2 + seed)), rng.standard_normal(2 + seed)
        compare(
            call(answer, X, u, name="survived"), theory.breakdown_count(theory.relu_distance(X, u)), name="survived"
        )


def attack(X, u, m):
    """Return the labels, an array of shape (n,)."""
    y = np.maximum(X @ u, 0)
    touched = np.flatnonzero(y > 0)[:m]
    y[touched] /= 2
    return y


def hidden_attack(answer):
    for seed in range(3):
        rng = np.random.default_rng(100 + seed)
        X, u = rng.standard_normal((50, 3)), rng.standard_normal(3)
        clean = np.maximum(X @ u, 0)
        for m in (0, 3, 12):
            y = numbers(call(answer, X, u, m, name="attack"), name="attack", shape=(50,))
            if (~np.isclose(y, clean)).sum() > m:
                fail("attack changed more labels than the budget allows.")
            fits = int(np.isclose(y, clean / 2).sum())
            compare(fits, int((clean == 0).sum()) + m, name="the number of points that the impostor fits")


POINTS = {"attack": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "trimmed_loss": [
        lambda r, h: np.sort(r)[:h].sum(),
        lambda r, h: (np.sort(r)[:h] ** 2).sum(),
        lambda r, h: np.sort(r**2)[-h:].sum(),
    ],
    "survived": [
        lambda X, u: len(X) // 4,
        lambda X, u: (int((X @ u > 0).sum()) - 1) // 2,
        lambda X, u: (len(X) - X.shape[1]) // 2,
    ],
    "attack": [
        lambda X, u, m: np.maximum(X @ u, 0),
        lambda X, u, m: np.maximum(X @ u, 0) / 2,
        lambda X, u, m: np.where(np.arange(len(X)) < m, 0.5, 1) * np.maximum(X @ u, 0),
    ],
}
