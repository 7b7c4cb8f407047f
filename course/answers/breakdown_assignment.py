"""Answers and hidden checks of assignment 1, *How many wrong labels?*"""

import numpy as np

from robustnn_core.breakdown import theory
from robustnn_core.course import call, compare, fail, numbers, parts


def trimmed_loss(residuals, h):
    """Return the sum of the h smallest squares of ``residuals``, an array of shape (n,)."""
    return np.sort(np.asarray(residuals) ** 2)[:h].sum()


def hidden_trimmed_loss(answer):
    rng = np.random.default_rng(11)
    for n in (1, 7, 40):
        r = rng.standard_normal(n)
        for h in {1, n // 2 + 1, n}:
            compare(call(answer, r, h, name="trimmed_loss"), sum(sorted(v * v for v in r)[:h]), name="trimmed_loss")


def survived(X, u, counts):
    """Return a whole number; X has shape (n, d), u has shape (d,), ``counts`` are n whole numbers, at least 1."""
    active = np.sort(counts[X @ u > 0])
    return (int(active[: len(active) - X.shape[1] + 1].sum()) - 1) // 2


def hidden_survived(answer):
    from itertools import combinations

    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, u = rng.standard_normal((12 + seed, 2 + seed % 2)), rng.standard_normal(2 + seed % 2)
        counts = rng.integers(1, 5, size=len(X))
        awake = np.flatnonzero(X @ u > 0)
        shared = max(counts[list(rows)].sum() for rows in combinations(awake, X.shape[1] - 1))
        known = (int(counts[awake].sum() - shared) - 1) // 2
        compare(call(answer, X, u, counts, name="survived"), known, name="survived")
    X, u = np.random.default_rng(9).standard_normal((40, 3)), np.array([1.0, 2.0, -1.0])
    known = theory.breakdown_count(theory.relu_distance(X, u))
    compare(call(answer, X, u, np.ones(40, dtype=int), name="survived"), known, name="survived with single points")


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


def votes(clean, rival, labels):
    """Return the two sides, numbers (left, right): right counts the labels that the rival misses.

    Left has only the number of points at which the nets differ and the number of wrong labels. All three are arrays
    of shape (n,).
    """
    return (rival != clean).sum() - (labels != clean).sum(), (rival != labels).sum()


def hidden_votes(answer):
    for seed in range(6):
        rng = np.random.default_rng(120 + seed)
        clean, rival, labels = rng.integers(3, size=(3, 25)).astype(float)
        labels = np.where(rng.random(25) < 0.6, clean, labels)
        found = parts(call(answer, clean, rival, labels, name="votes"), 2, name="votes", what="the two sides")
        differ, wrong = sum(r != c for r, c in zip(rival, clean)), sum(b != c for b, c in zip(labels, clean))
        compare(found[0], differ - wrong, name="the left side of votes")
        compare(found[1], sum(r != b for r, b in zip(rival, labels)), name="the right side of votes")


POINTS = {"attack": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "votes": [
        lambda c, r, y: ((r != c).sum() + (y != c).sum(), (r != y).sum()),  # that bounds it from above
        lambda c, r, y: ((r != c).sum() / 2, (r != y).sum()),
        lambda c, r, y: ((r != c).sum() - (y == r).sum(), (r != y).sum()),
        lambda c, r, y: ((r != y).sum(), (r != c).sum() - (y != c).sum()),  # the wrong way round
    ],
    "trimmed_loss": [
        lambda r, h: np.sort(r)[:h].sum(),
        lambda r, h: (np.sort(r)[:h] ** 2).sum(),
        lambda r, h: np.sort(r**2)[-h:].sum(),
    ],
    "survived": [
        lambda X, u, c: (int(c[X @ u > 0].sum()) - X.shape[1]) // 2,  # a neighbour shares d - 1 points, not rows
        lambda X, u, c: (int((X @ u > 0).sum()) - X.shape[1]) // 2,
        lambda X, u, c: (int(c.sum()) - X.shape[1]) // 2,
        lambda X, u, c: (int(np.sort(c[X @ u > 0])[X.shape[1] - 1 :].sum()) - 1) // 2,  # shares the lightest
    ],
    "attack": [
        lambda X, u, m: np.maximum(X @ u, 0),
        lambda X, u, m: np.maximum(X @ u, 0) / 2,
        lambda X, u, m: np.where(np.arange(len(X)) < m, 0.5, 1) * np.maximum(X @ u, 0),
    ],
}
