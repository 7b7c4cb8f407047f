"""The convex program by cvxpy and from its formulas, slowly: what ``fit`` is tested against."""

import numpy as np


def problem(n, d, P, *, seed, loss="squared"):
    """X with a bias column, y of a small net with noise (signs for a classifier), P sampled patterns."""
    from robustnn_core import convex

    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ np.array([1.0, -1.0, 0.5]) + 0.1 * rng.standard_normal(n)
    if loss != "squared":
        y = np.where(y > np.median(y), 1.0, -1.0)
    gates = rng.standard_normal((d, 4 * P))
    active = X @ gates >= 0
    first = np.sort(np.unique(active, axis=1, return_index=True)[1])[:P]
    return X, y, convex.Patterns(active[:, first], gates[:, first])


def objective(X, y, v, w, active, beta, loss):
    """The objective, a point and a block at a time."""
    n, P = active.shape
    total = beta * sum(np.linalg.norm(v[:, i]) + np.linalg.norm(w[:, i]) for i in range(P))
    for k in range(n):
        p = sum(X[k] @ (v[:, i] - w[:, i]) for i in range(P) if active[k, i])
        if loss == "squared":
            total += 0.5 * (p - y[k]) ** 2
        elif loss == "hinge":
            total += max(0.0, 1.0 - y[k] * p) / n
        else:
            total += np.logaddexp(0.0, -y[k] * p) / n
    return total


def by_cvxpy(X, y, active, beta, loss, solver="CLARABEL", **options):
    """The optimum as cvxpy's solver reports it."""
    import cvxpy as cp

    (n, d), P = X.shape, active.shape[1]
    v, w = cp.Variable((d, P)), cp.Variable((d, P))
    E = 2.0 * active - 1.0
    p = cp.sum(cp.multiply(active.astype(float), X @ (v - w)), axis=1)
    if loss == "squared":
        value = 0.5 * cp.sum_squares(p - y)
    elif loss == "hinge":
        value = cp.sum(cp.pos(1.0 - cp.multiply(y, p))) / n
    else:
        value = cp.sum(cp.logistic(-cp.multiply(y, p))) / n
    penalty = cp.sum(cp.norm(v, 2, axis=0)) + cp.sum(cp.norm(w, 2, axis=0))
    program = cp.Problem(cp.Minimize(value + beta * penalty), [cp.multiply(E, X @ v) >= 0, cp.multiply(E, X @ w) >= 0])
    program.solve(solver=solver, **options)
    return float(program.value)
