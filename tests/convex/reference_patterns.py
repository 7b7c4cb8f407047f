"""Plain and slow: the cells of an arrangement point by point, the price by sampling, the robust margin by vertices."""

import itertools

import numpy as np
from scipy.optimize import linprog


def cells(X):
    """All open cells as a set of sign tuples: each point splits the cells so far, a linear program each."""
    found = [()]
    for k in range(len(X)):
        found = [signs + (s,) for signs in found for s in (1, -1) if is_open(X[: k + 1], np.array(signs + (s,)))]
    return set(found)


def is_open(X, signs):
    """Whether some u has signs * (X u) >= 1."""
    d = X.shape[1]
    found = linprog(
        np.zeros(d), A_ub=-signs[:, None] * X, b_ub=-np.ones(len(X)), bounds=[(None, None)] * d, method="highs"
    )
    return found.status == 0


def price_by_sampling(X, lam, draws, rng):
    """The largest |lam.(Xu)_+| of random unit u: below the price."""
    U = rng.standard_normal((X.shape[1], draws))
    return float(np.abs(lam @ np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0)).max())


def survives(X, active, e):
    """Whether a nonzero block keeps its pattern over the box: all corners of every point, one entry of v is +-1."""
    signs = np.where(active, 1.0, -1.0)
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=X.shape[1]))) * e
    rows = np.concatenate([s * (x + corners) for s, x in zip(signs, X)])
    for j, s in itertools.product(range(X.shape[1]), (-1.0, 1.0)):
        bounds = [(-1.0, 1.0)] * X.shape[1]
        bounds[j] = (s, s)
        if (
            linprog(np.zeros(X.shape[1]), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=bounds, method="highs").status
            == 0
        ):
            return True
    return False


def lasso(A, y, beta, steps=20_000):
    """The optimum of .5|A a - y|^2 + beta |a|_1 by proximal gradient steps."""
    a, size = np.zeros(A.shape[1]), 1.0 / np.linalg.norm(A, 2) ** 2
    for _ in range(steps):
        b = a - size * (A.T @ (A @ a - y))
        a = np.sign(b) * np.maximum(np.abs(b) - size * beta, 0.0)
    return 0.5 * float(((A @ a - y) ** 2).sum()) + beta * float(np.abs(a).sum())
