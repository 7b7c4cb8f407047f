"""Answers and hidden checks of assignment 4, *A network without a landscape*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts


def most_points(budget, r):
    """Return the largest n, a whole number, whose regions are at most ``budget`` (at least 2**r).

    The n >= r points are in general position, of rank r = 2, 3, ...
    """
    from math import comb

    n = r
    while 2 * sum(comb(n, k) for k in range(r)) <= budget:
        n += 1
    return n


def hidden_most_points(answer):
    def count(n, r):  # a new point cuts as many regions as its hyperplane has
        return 2 if n == 1 or r == 1 else count(n - 1, r) + count(n - 1, r - 1)

    for r, ns in ((2, (2, 9, 40)), (3, (3, 4, 12)), (5, (6, 11))):
        for n in ns:
            for budget in (count(n, r), count(n, r) + 1, count(n + 1, r) - 1):
                compare(call(answer, budget, r, name="most_points"), n, name="most_points", tol=0.0)


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


def decay(U, alpha, beta):
    """Return the two sides, numbers (left, right); U has shape (d, m), alpha has shape (m,)."""
    sizes = np.linalg.norm(U, axis=0)
    return beta * sizes @ np.abs(alpha), beta / 2 * (U**2).sum() + beta / 2 * (alpha**2).sum()


def hidden_decay(answer):
    for seed in range(6):
        rng = np.random.default_rng(150 + seed)
        U, alpha, beta = rng.standard_normal((3, 5)), rng.standard_normal(5), rng.random()
        found = parts(call(answer, U, alpha, beta, name="decay"), 2, name="decay", what="the two sides")
        each = [((u @ u) ** 0.5 * abs(a), (u @ u + a * a) / 2) for u, a in zip(U.T, alpha)]
        compare(found[0], beta * sum(low for low, _ in each), name="the left side of decay")
        compare(found[1], beta * sum(high for _, high in each), name="the right side of decay")


POINTS = {"objective": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "decay": [
        lambda U, a, b: (
            b * np.linalg.norm(U) * np.linalg.norm(a),
            b / 2 * ((U**2).sum() + (a**2).sum()),
        ),  # true, but it changes when one unit is rescaled
        lambda U, a, b: (b * np.abs(U * a).sum(), b / 2 * ((U**2).sum() + (a**2).sum())),  # one-norms: false
        lambda U, a, b: (b * np.linalg.norm(U, axis=0).sum(), b / 2 * ((U**2).sum() + (a**2).sum())),
        lambda U, a, b: (b / 2 * np.linalg.norm(U * a, axis=0).sum(), b / 2 * ((U**2).sum() + (a**2).sum())),
    ],
    "most_points": [
        lambda budget, r: int(np.log2(budget)),  # as if every pattern occurred
        lambda budget, r: budget // 2 if r == 2 else r,
        lambda budget, r: int((budget / 2) ** (1 / (r - 1))),  # the order only
        lambda budget, r: next(
            n for n in range(1, 10**6) if 2 * sum(__import__("math").comb(n, k) for k in range(r)) >= budget
        ),  # one too few where the budget is met
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
