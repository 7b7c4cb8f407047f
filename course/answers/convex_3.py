"""Answers and hidden checks of the exercises of *Solving it fast, with a certificate*."""

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import datasets, dense
from robustnn_core.course import call, compare, fail, numbers


def dual_from_blocks(X, y, D, V, W):
    """Return the dual solution, an array of shape (n,), from a minimiser for the squared loss.

    D is boolean (n, P), V and W have shape (d, P).
    """
    return y - (D * (X @ (V - W))).sum(axis=1)


def hidden_dual_from_blocks(answer):
    for seed, beta in ((1, 0.3), (2, 0.05)):
        X, y, made = datasets.problem(30, 3, 6, seed=seed)
        found = convex.fit(X, y, made, beta=beta, gap=1e-9)
        got = call(answer, X, y, made.active, found.v, found.w, name="dual_from_blocks")
        compare(got, found.dual, tol=1e-4, name="dual_from_blocks of a minimiser")


def certain_zeros(price, size, gap, beta):
    """Return a boolean array: which blocks are zero for certain.

    ``price`` has the smallest norm over mu of each block, ``size`` the norm of each F_b, both of shape
    (blocks,); ``gap`` is upper minus lower.
    """
    return price + size * np.sqrt(2 * gap) < beta


def hidden_certain_zeros(answer):
    rng = np.random.default_rng(80)
    for radius in (0.01, 1.0, 7.0):
        # a concave quadratic of Hessian -1 that is `radius` from its peak is lower by
        gap = np.polyval(np.polyint([1.0, 0.0]), radius)
        size, beta = rng.uniform(0.1, 2, 40), 30.0
        known = rng.random(40) > 0.5
        price = beta - size * radius + np.where(known, -1e-6, 1e-6)
        got = numbers(call(answer, price, size, gap, beta, name="certain_zeros"), name="certain_zeros", shape=(40,)) > 0
        if (got & ~known).any():
            fail("certain_zeros drops a block that may be nonzero.")
        compare(got, known, name="certain_zeros", hint="More blocks are certain.")
    X, y, made = datasets.problem(40, 5, 8, seed=1)
    rough, fine = (convex.fit(X, y, made, beta=0.3, gap=tol) for tol in (1e-4, 1e-9))
    size = np.linalg.norm(dense.blocks(X, made)[0], 2, axis=(1, 2))
    got = numbers(
        call(
            answer,
            dense.multipliers(X, made, rough.dual)[1],
            size,
            rough.objective - rough.lower_bound,
            0.3,
            name="certain_zeros",
        ),
        name="certain_zeros",
        shape=(16,),
    )
    if (np.linalg.norm(np.hstack([fine.v, fine.w]), axis=0)[got > 0] > 1e-5).any():
        fail("certain_zeros drops a block that the minimiser uses.")


def bound_from_residuals(X, y, D, lam, beta):
    """Return the lower bound of the theorem for the squared loss, with all mu = 0 and theta = min(1, beta / c).

    D is boolean (n, P), lam has shape (n,).
    """
    c = np.linalg.norm(X.T @ (D * lam[:, None]), axis=0).max()
    theta = min(1.0, beta / max(c, 1e-300))
    return theta * (lam @ y) - 0.5 * theta**2 * (lam @ lam)


def hidden_bound_from_residuals(answer):
    from scipy.optimize import minimize

    for seed, beta in ((3, 0.05), (4, 0.5), (5, 50.0)):
        X, y, made = datasets.problem(12, 3, 5, seed=seed)
        lam = y - 0.3 * np.random.default_rng(seed).standard_normal(12)
        dearest = 0.0
        for pattern in made.active.T:
            rows = np.diag(pattern.astype(float)) @ X
            dearest = max(dearest, np.sqrt(lam @ rows @ rows.T @ lam))
        z = lam * np.clip(beta / dearest, 0, 1)
        known = minimize(lambda p, y=y, z=z: 0.5 * ((p - y) ** 2).sum() + z @ p, np.zeros(12), tol=1e-12).fun
        got = numbers(
            call(answer, X, y, made.active, lam, beta, name="bound_from_residuals"), name="bound_from_residuals"
        )
        if got > convex.fit(X, y, made, beta=beta).objective + 1e-9:
            fail("bound_from_residuals is above the objective of a net.")
        compare(got, known, tol=1e-5, name="bound_from_residuals")


WRONG = {
    "dual_from_blocks": [
        lambda X, y, D, V, W: (D * (X @ (V - W))).sum(axis=1) - y,
        lambda X, y, D, V, W: y - (D * (X @ (V + W))).sum(axis=1),
        lambda X, y, D, V, W: y - (X @ (V - W)).sum(axis=1),  # forgets the patterns
    ],
    "certain_zeros": [
        lambda price, size, gap, beta: price < beta,  # as if lambda were the solution
        lambda price, size, gap, beta: price + size * np.sqrt(gap) < beta,
        lambda price, size, gap, beta: price + size * gap < beta,
        lambda price, size, gap, beta: price + np.sqrt(2 * gap) < beta,
    ],
    "bound_from_residuals": [
        lambda X, y, D, lam, beta: lam @ y - 0.5 * lam @ lam,  # not scaled
        lambda X, y, D, lam, beta: (
            min(1, beta / max(np.linalg.norm(X.T @ lam), 1e-300)) * (lam @ y)
            - 0.5 * min(1, beta / max(np.linalg.norm(X.T @ lam), 1e-300)) ** 2 * (lam @ lam)
        ),  # the linear pattern only
        lambda X, y, D, lam, beta: (
            beta / max(np.linalg.norm(X.T @ (D * lam[:, None]), axis=0).max(), 1e-300) * (lam @ y - 0.5 * lam @ lam)
        ),
    ],
}
