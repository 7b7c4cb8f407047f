"""The robust program, plainly: written from the formulas for cvxpy and Clarabel."""

import cvxpy as cp
import numpy as np


def robust_optimum(X, y, active, beta, e, loss, **options):
    """Optimal value, and V, W (d, P)."""
    (n, d), P = X.shape, active.shape[1]
    V, W = cp.Variable((d, P)), cp.Variable((d, P))
    D = active.astype(float)
    Q = D @ (V - W).T
    margin = cp.sum(cp.multiply(X, Q), axis=1)
    spread = cp.abs(Q) @ e
    if loss == "hinge":
        value = cp.sum(cp.pos(1 - cp.multiply(y, margin) + spread)) / n
    elif loss == "logistic":
        value = cp.sum(cp.logistic(-cp.multiply(y, margin) + spread)) / n
    else:
        value = 0.5 * cp.sum_squares(cp.abs(margin - y) + spread)
    E = 2 * D - 1
    rules = []
    for B in (V, W):
        reach = cp.abs(B).T @ e
        for i in range(P):
            rules.append(cp.multiply(E[:, i], X @ B[:, i]) >= reach[i])
    problem = cp.Problem(
        cp.Minimize(value + beta * (cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0)))), rules
    )
    problem.solve(solver=cp.CLARABEL, **options)
    return problem.value, V.value, W.value


def priced(g, X, active, e):
    """The largest |g.u| over |u| <= 1 in the robust cone of a pattern."""
    u = cp.Variable(X.shape[1])
    rules = [cp.multiply(2.0 * active - 1, X @ u) >= cp.abs(u) @ e, cp.norm(u) <= 1]
    best = 0.0
    for side in (1.0, -1.0):
        best = max(best, cp.Problem(cp.Maximize(side * (g @ u)), rules).solve(solver=cp.CLARABEL))
    return best


def corners(e):
    """Every corner of the box, (2^k, d)."""
    moving = np.flatnonzero(e)
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * len(moving))).reshape(len(moving), -1).T
    result = np.zeros((len(signs), len(e)))
    result[:, moving] = signs * e[moving]
    return result


def losses(f, y, loss):
    """Per point, from scores: hinge, logistic (for a mean) and half squares (for a sum)."""
    if loss == "hinge":
        return np.maximum(1 - y * f, 0)
    if loss == "logistic":
        return np.log1p(np.exp(-y * f))
    return 0.5 * (f - y) ** 2


def worst_loss_on_a_grid(net, X, y, e, loss, resolution=9):
    """The largest loss over a grid of the box, corners included, point by point."""
    moving = np.flatnonzero(e)
    if not len(moving):
        worst = losses(net.predict(X), y, loss)
        return worst.sum() if loss == "squared" else worst.mean()
    lines = [np.linspace(-e[j], e[j], resolution) for j in moving]
    moves = np.zeros((resolution ** len(moving), len(e)))
    moves[:, moving] = np.array(np.meshgrid(*lines)).reshape(len(moving), -1).T
    worst = np.array([losses(net.predict(x + moves), label, loss).max() for x, label in zip(X, y)])
    return worst.sum() if loss == "squared" else worst.mean()
