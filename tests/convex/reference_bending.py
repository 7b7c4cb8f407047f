"""The bending program, plainly: written from the theorem for cvxpy and Clarabel, and its bound point by point."""

import cvxpy as cp
import numpy as np


def margin(U, signs, x, side, slopes, e, norm):
    """m_k at numbers: side * f is at least this wherever x moves."""
    order = 1 if norm == "linf" else 2
    q = sum(s * c * u for s, c, u in zip(signs, slopes, U))
    value = side * q @ x - np.linalg.norm(e * q, order)
    for u, s, c in zip(U, signs, slopes):
        if s * side < 0:
            z, h = x @ u, np.linalg.norm(e * u, order)
            value -= max(0.0, (1 - c) * (z + h), c * (h - z))
    return value


def bending_optimum(X, y, signs, slopes, beta, e, norm, loss, **options):
    """Optimal value, seconds in the solver. For the squared loss slopes has 2n rows: of -f first."""
    (n, d), m, order = X.shape, len(signs), 1 if norm == "linf" else 2
    U = cp.Variable((m, d))
    h = cp.norm(cp.multiply(U, e[None]), order, axis=1)
    Z = X @ U.T

    def margins(side, c):
        Q = (c * signs) @ U
        t = cp.maximum(0, cp.multiply(1 - c, Z + cp.reshape(h, (1, m), order="C")))
        t = cp.maximum(t, cp.multiply(c, cp.reshape(h, (1, m), order="C") - Z))
        oppose = (np.multiply.outer(side, signs) < 0).astype(float)
        low = cp.multiply(side, cp.sum(cp.multiply(X, Q), axis=1)) - cp.norm(cp.multiply(Q, e[None]), order, axis=1)
        return low - cp.sum(cp.multiply(oppose, t), axis=1)

    if loss == "squared":
        up, down = margins(-np.ones(n), slopes[:n]), margins(np.ones(n), slopes[n:])
        value = 0.5 * cp.sum_squares(cp.pos(cp.maximum(y - down, -up - y)))
    elif loss == "hinge":
        value = cp.sum(cp.pos(1 - margins(y, slopes))) / n
    else:
        value = cp.sum(cp.logistic(-margins(y, slopes))) / n
    problem = cp.Problem(cp.Minimize(value + beta * cp.sum(cp.norm(U, 2, axis=1))))
    problem.solve(solver=cp.CLARABEL, **options)
    return problem.value, problem.solver_stats.solve_time
