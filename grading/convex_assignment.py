"""Answers and hidden checks of the assignment."""

import numpy as np

from robustnn_core.course import call, compare, fail

POINTS = {'regions': 1, 'patterns': 1, 'objective': 2}


def regions(n, r):
    from math import comb

    return 2 * sum(comb(n - 1, k) for k in range(r))


def hidden_regions(answer):
    def count(n, r):  # a new point cuts as many regions as its hyperplane has
        return 2 if n == 1 or r == 1 else count(n - 1, r) + count(n - 1, r - 1)
    for n, r in ((4, 2), (7, 3), (12, 5)):
        compare(call(answer, n, r, name="regions"), count(n, r), name="regions")


def patterns(X, G):
    return np.unique(X @ G >= 0, axis=1)


def hidden_patterns(answer):
    rng = np.random.default_rng(10)
    for n, d, count in ((3, 2, 30), (6, 3, 100)):
        X, G = rng.standard_normal((n, d)), rng.standard_normal((d, count))
        found = np.asarray(call(answer, X, G, name="patterns"))
        known = {tuple(bool(x @ g >= 0) for x in X) for g in G.T}
        compare(found.shape, (n, len(known)), name="the shape of patterns")
        if {tuple(bool(v) for v in column) for column in found.T} != known:
            fail("patterns has the right shape, but other columns than the gates give.")


def objective(X, y, D, V, W, beta):
    answer = (D * (X @ (V - W))).sum(axis=1)
    lengths = np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum()
    return 0.5 * ((answer - y) ** 2).sum() + beta * lengths


def hidden_objective(answer):
    rng = np.random.default_rng(12)
    for n, d, P in ((3, 1, 1), (8, 3, 5)):
        X, y, D = rng.standard_normal((n, d)), rng.standard_normal(n), rng.random((n, P)) > 0.5
        V, W, beta = rng.standard_normal((d, P)), rng.standard_normal((d, P)), rng.random()
        answer = sum(np.diag(D[:, i].astype(float)) @ X @ (V[:, i] - W[:, i]) for i in range(P))
        size = sum(np.sqrt(v @ v) for v in V.T) + sum(np.sqrt(w @ w) for w in W.T)
        compare(call(answer, X, y, D, V, W, beta, name="objective"), ((answer - y) @ (answer - y)) / 2 + beta * size, name="objective")
