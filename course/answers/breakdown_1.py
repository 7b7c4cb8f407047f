"""Answers and hidden checks of the exercises of *What breaks a regression*."""

from collections import Counter
from itertools import combinations

import numpy as np

from robustnn_core import breakdown
from robustnn_core.breakdown import theory
from robustnn_core.course import call, compare, fail, numbers


def copies_survive(n):
    """Return (d, m*), two whole numbers, for linear maps and the design of ``n`` points x_i = 1 with p = 1."""
    return n, (n + 1) // 2 - 1


def hidden_copies_survive(answer):
    for n in (3, 4, 12, 15):
        survived = -1
        for m in range(n + 1):  # the adversary's best: all lies agree
            votes = Counter([0] * (n - m) + [1] * m).most_common(2)
            if votes[0][0] == 1 or (len(votes) == 2 and votes[0][1] == votes[1][1]):
                break
            survived = m
        other = int((np.full(n, 1.0) != np.zeros(n)).sum())
        compare(call(answer, n, name="copies_survive"), [other, survived], name="copies_survive")


def half_of_length(X, v):
    """Return the least number of points that together carry at least half of the sum of all |x_i . v|; X has
    shape (n, p), v has shape (p,)."""
    lengths = np.sort(np.abs(X @ v))[::-1]
    return int((np.cumsum(lengths) < lengths.sum() / 2).sum()) + 1


def hidden_half_of_length(answer):
    for seed in range(3):
        rng = np.random.default_rng(30 + seed)
        X, v = rng.standard_normal((9, 2)), rng.standard_normal(2)
        a = [abs(float(x @ v)) for x in X]
        least = next(m for m in range(1, 10) if any(2 * sum(s) >= sum(a) for s in combinations(a, m)))
        compare(call(answer, X, v, name="half_of_length"), least, name="half_of_length")
    X = np.random.default_rng(33).standard_normal((20_000, 2))
    limit = next(row.linear for row in theory.constants() if row.name == "LAD")
    share = numbers(call(answer, X, np.array([0.6, 0.8]), name="half_of_length"), name="half_of_length") / 20_000
    compare(share, limit, name="the share of the points for a large Gaussian design", tol=0.01)


def trap_from_ols(z, m):
    """Return n labels, at most ``m`` of them not 0, from which TORRENT, started from OLS and trimming m points,
    does not find w = 0. The design has p = 1 and the entries ``z``, shape (n,)."""
    y = np.zeros(len(z))
    owned = np.argsort(-np.abs(z))[:m]
    y[owned] = 2 * z[owned] + 2 * np.sign(z[owned])
    return y


def hidden_trap_from_ols(answer):
    for seed in range(3):
        z = np.random.default_rng(40 + seed).standard_normal(500)
        y = numbers(call(answer, z, 125, name="trap_from_ols"), name="trap_from_ols", shape=(500,))
        if (y != 0).sum() > 125:
            fail("trap_from_ols changes more than m labels.")
        if abs(breakdown.torrent(z[:, None], y, keep=375).coef[0]) < 1e-6:
            fail("TORRENT still recovers from a quarter of the labels.")


WRONG = {
    "copies_survive": [
        lambda n: (n, n // 2),  # a tie is no victory
        lambda n: (1, 0),  # d = n - p + 1 with the roles of n and p mixed up
        lambda n: (n - 1, (n - 2) // 2 if n > 1 else 0),
        lambda n: (n, (n - 1) // 4),
    ],
    "half_of_length": [
        lambda X, v: int(np.ceil(len(X) / 2)),
        lambda X, v: int((np.cumsum(np.abs(X @ v)) < np.abs(X @ v).sum() / 2).sum()) + 1,  # not sorted
        lambda X, v: int((np.cumsum(np.sort((X @ v) ** 2)[::-1]) < ((X @ v) ** 2).sum() / 2).sum()) + 1,  # squares
    ],
    "trap_from_ols": [
        lambda z, m: np.where(np.arange(len(z)) < m, 1e6, 0.0),  # gross
        lambda z, m: np.where(np.arange(len(z)) < m, -3 * z, 0.0),  # an impostor anywhere
        lambda z, m: 2 * z + 2 * np.sign(z),
    ],
}
