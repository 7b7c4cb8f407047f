"""Answers and hidden checks of the exercises of *DC training*."""

import numpy as np

from robustnn_core import nets
from robustnn_core.breakdown import experiments
from robustnn_core.course import call, compare, fail, numbers


def positive_majoriser(X, y, u, v):
    """Return Maj(v | u) of one positive unit, all points kept; ``u`` and ``v`` are arrays of length d."""
    bent, flat = np.maximum(X @ v, 0), (X @ u > 0) * (X @ v)
    return float(np.sum(np.maximum(bent - y, 0) ** 2 + np.maximum(y - flat, 0) ** 2))


def hidden_positive_majoriser(answer):
    for seed in range(4):
        rng = np.random.default_rng(110 + seed)
        X, y, u = rng.standard_normal((25, 2)), rng.standard_normal(25), rng.standard_normal(2)
        found, least = experiments.minimise_majoriser(X, y, nets.ReLUSum([u], [1]))
        v = found.weights[0]
        compare(call(answer, X, y, u, v, name="positive_majoriser"), least, name="positive_majoriser at its minimum")
        for w in rng.standard_normal((10, 2)):
            if (
                numbers(call(answer, X, y, u, v + 0.1 * w, name="positive_majoriser"), name="positive_majoriser")
                < least - 1e-6
            ):
                fail("positive_majoriser is lower beside its minimum.")
    # one point, by hand: the tangent of the unit is 2 v for u > 0 and 0 for u < 0
    for y, u, v, known in (
        (1.0, 1.0, -2.0, 25.0),
        (1.0, -1.0, 2.0, 10.0),
        (-1.0, 1.0, -2.0, 10.0),
        (-1.0, -1.0, 2.0, 25.0),
        (3.0, 1.0, 1.0, 1.0),
    ):
        got = call(answer, np.array([[2.0]]), np.array([y]), np.array([u]), np.array([v]), name="positive_majoriser")
        compare(got, known, name=f"positive_majoriser of one point (x = 2, y = {y:g}, u = {u:g}) at v = {v:g}")


def tangent_gap(V, U, X, rho):
    """Return g(V) minus the tangent of g at ``U``, for g(V) = rho/2 times the sum over k of (v_k . x)^2; one
    number for each row x of ``X``."""
    return 0.5 * rho * np.sum((X @ (V - U).T) ** 2, axis=1)


def hidden_tangent_gap(answer):
    for seed in range(3):
        rng = np.random.default_rng(120 + seed)
        X, U, V = rng.standard_normal((7, 2)), rng.standard_normal((3, 2)), rng.standard_normal((3, 2))
        rho = 0.2 + seed

        def g(t, X=X, U=U, V=V, rho=rho):
            return rho / 2 * np.array([sum((w @ x) ** 2 for w in U + t * (V - U)) for x in X])

        known = g(1.0) - g(0.0) - (g(1e-3) - g(-1e-3)) / 2e-3  # exact for a quadratic function
        compare(call(answer, V, U, X, rho, name="tangent_gap"), known, name="tangent_gap")


def other_wins(y):
    """Return two numbers u > 0 and v such that at the one point x = 1 with the label ``y`` > 0 the other
    majoriser at v, made at u, is smaller than Maj(v | u)."""
    return 0.1, -1.0


def hidden_other_wins(answer):
    for y in (0.05, 1.7, 30.0):
        u, v = numbers(call(answer, y, name="other_wins"), name="other_wins", shape=(2,))
        p, q, p_flat, q_flat = max(v, 0.0), y, v if u > 0 else 0.0, y
        ours = max(p - q_flat, 0.0) ** 2 + max(q - p_flat, 0.0) ** 2
        w = max(u, 0.0) + y
        other = 2 * p**2 + 2 * q**2 - 2 * w * (p_flat + q_flat) + w**2
        if u <= 0 or other >= ours:
            fail(f"At the label {y} the other majoriser is not smaller.")


def behind_ridge(F_U, F_R, t):
    """Return the largest number that is certainly at most M(V), for a convex M that is above the loss F and
    touches it at U; R = (1 - t) U + t V, 0 < t <= 1, has the loss ``F_R`` >= ``F_U``."""
    return F_U + (F_R - F_U) / t


def hidden_behind_ridge(answer):
    from scipy import optimize

    rng = np.random.default_rng(130)
    for _ in range(5):
        F_U, rise, t = rng.random(), 3 * rng.random(), 0.05 + 0.9 * rng.random()
        # the values of M at U, R, V: convexity along the segment, M(U) = F(U), M(R) >= F(R); make M(V) small
        least = optimize.linprog(
            [0, 0, 1], A_ub=[[-(1 - t), 1, -t]], b_ub=[0], bounds=[(F_U, F_U), (F_U + rise, None), (None, None)]
        )
        compare(call(answer, F_U, F_U + rise, t, name="behind_ridge"), least.fun, name="behind_ridge")


WRONG = {
    "positive_majoriser": [
        lambda X, y, u, v: float(np.sum((y - np.maximum(X @ v, 0)) ** 2)),  # the loss itself
        lambda X, y, u, v: float(np.sum((y - (X @ u > 0) * (X @ v)) ** 2)),  # the quadratic of the cell
        lambda X, y, u, v: float(
            np.sum(np.maximum(np.maximum(X @ v, 0) - y, 0) ** 2 + np.maximum(y - np.maximum(X @ u, 0), 0) ** 2)
        ),
    ],
    "tangent_gap": [
        lambda V, U, X, rho: 0.5 * rho * (np.sum((X @ V.T) ** 2, axis=1) - np.sum((X @ U.T) ** 2, axis=1)),
        lambda V, U, X, rho: rho * np.sum((X @ (V - U).T) ** 2, axis=1),
        lambda V, U, X, rho: 0.5 * rho * np.sum(X @ (V - U).T, axis=1) ** 2,
    ],
    "other_wins": [
        lambda y: (1.0, -1.0),  # u too large
        lambda y: (0.1, 1.0),  # on the cell
        lambda y: (0.1, -0.1),  # not far enough
        lambda y: (-0.1, -1.0),
    ],
    "behind_ridge": [
        lambda F_U, F_R, t: F_R,
        lambda F_U, F_R, t: F_U + t * (F_R - F_U),
        lambda F_U, F_R, t: F_U + (F_R - F_U) / (1 - t) if t < 1 else F_R,
        lambda F_U, F_R, t: F_R + (F_R - F_U) / t,
    ],
}
