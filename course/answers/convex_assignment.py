"""Answers and hidden checks of assignment 4, *A network without a landscape*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers


def regions(n, r):
    """Return a whole number, for n points in general position of rank r <= n."""
    from math import comb

    return 2 * sum(comb(n - 1, k) for k in range(r))


def hidden_regions(answer):
    def count(n, r):  # a new point cuts as many regions as its hyperplane has
        return 2 if n == 1 or r == 1 else count(n - 1, r) + count(n - 1, r - 1)

    for n, r in ((4, 2), (7, 3), (12, 5)):
        compare(call(answer, n, r, name="regions"), count(n, r), name="regions")


def patterns(X, G):
    """Return a boolean array with a row for each point; X has shape (n, d), G has shape (d, gates)."""
    return np.unique(X @ G >= 0, axis=1)


def hidden_patterns(answer):
    rng = np.random.default_rng(10)
    for n, d, count in ((3, 2, 30), (6, 3, 100)):
        X, G = rng.standard_normal((n, d)), rng.standard_normal((d, count))
        known = {tuple(bool(x @ g >= 0) for x in X) for g in G.T}
        found = numbers(call(answer, X, G, name="patterns"), name="patterns", shape=(n, len(known)))
        if {tuple(bool(v) for v in column) for column in found.T} != known:
            fail("patterns has the right shape, but other columns than the gates give.")


def objective(X, y, D, V, W, beta):
    """Return a number; X has shape (n, d), y has shape (n,), D is boolean (n, P), V and W have shape (d, P)."""
    p = (D * (X @ (V - W))).sum(axis=1)
    lengths = np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum()
    return 0.5 * ((p - y) ** 2).sum() + beta * lengths


def hidden_objective(answer):
    rng = np.random.default_rng(12)
    for n, d, P in ((3, 1, 1), (8, 3, 5)):
        X, y, D = rng.standard_normal((n, d)), rng.standard_normal(n), rng.random((n, P)) > 0.5
        V, W, beta = rng.standard_normal((d, P)), rng.standard_normal((d, P)), rng.random()
        p = sum(np.diag(D[:, i].astype(float)) @ X @ (V[:, i] - W[:, i]) for i in range(P))
        size = sum(np.sqrt(v @ v) for v in V.T) + sum(np.sqrt(w @ w) for w in W.T)
        compare(
            call(answer, X, y, D, V, W, beta, name="objective"), ((p - y) @ (p - y)) / 2 + beta * size, name="objective"
        )


POINTS = {"objective": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "regions": [
        lambda n, r: 2**n,
        lambda n, r: 2 ** min(n, r),
        lambda n, r: 2 * n ** (r - 1),  # the order only
        lambda n, r: sum(__import__("math").comb(n, k) for k in range(r + 1)),  # hyperplanes that miss the origin
    ],
    "patterns": [
        lambda X, G: X @ G >= 0,  # repeats
        lambda X, G: np.unique(X @ G > 0, axis=1),
        lambda X, G: np.unique(G.T @ X.T >= 0, axis=0),
        lambda X, G: np.unique(np.sign(X @ G), axis=1),
    ],
    "objective": [
        lambda X, y, D, V, W, beta: (
            0.5 * (((D * (X @ (V - W))).sum(axis=1) - y) ** 2).sum() + beta * ((V**2).sum() + (W**2).sum())
        ),
        lambda X, y, D, V, W, beta: (
            0.5 * (((D * (X @ (V - W))).sum(axis=1) - y) ** 2).sum() + beta * (np.linalg.norm(V) + np.linalg.norm(W))
        ),  # one norm for all blocks
        lambda X, y, D, V, W, beta: (
            0.5 * (((D * (X @ (V + W))).sum(axis=1) - y) ** 2).sum()
            + beta * (np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum())
        ),
        lambda X, y, D, V, W, beta: (
            0.5 * ((np.maximum(X @ V, 0).sum(axis=1) - np.maximum(X @ W, 0).sum(axis=1) - y) ** 2).sum()
            + beta * (np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum())
        ),  # of blocks that may leave their cells
    ],
}
