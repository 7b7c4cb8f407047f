"""Answers and hidden checks of the exercises of *Is it optimal?*."""

from itertools import combinations

import numpy as np

from robustnn_core import laws, nets
from robustnn_core.course import call, compare, fail, numbers
from robustnn_core.neurotron import proofs


def linear_pair(X, theta, rho):
    """Return two filters, shape (2, n), and labels, shape (N,), that both linear gates meet up to theta.

    The inputs are the rows of ``X``, of length at most rho. The filters are to be as far apart as can be
    had for every such X.
    """
    u = np.zeros(X.shape[1])
    u[0] = theta / rho
    return np.array([u, -u]), np.zeros(len(X))


def hidden_linear_pair(answer):
    for n, count, theta, rho in ((1, 5, 0.3, 1.0), (2, 50, 0.1, 0.5), (6, 400, 2.0, 3.0)):
        X = laws.Sphere(n, rho).sample(21, count)
        W, y = call(answer, X, theta, rho, name="linear_pair")
        W, y = numbers(W, name="the pair of filters", shape=(2, n)), numbers(y, name="the labels", shape=(count,))
        if np.abs(W @ X.T - y).max() > theta * (1 + 1e-9):
            fail("linear_pair has a label that is more than theta away from one of its gates.")
        half = proofs.minimax(X, theta=theta, direction=np.eye(n)[0], leak=1.0).rows[3].lhs
        if np.linalg.norm(W[0] - W[1]) < 2 * half * (1 - 1e-9):
            fail("linear_pair has filters that are closer together than they could be.")


def ball_centre(points):
    """Return the centre of the smallest ball that contains the rows of ``points``, an array of shape (n,).

    Four digits count.
    """
    from scipy.optimize import minimize

    def height(v):
        return v[-1] - ((points - v[:-1]) ** 2).sum(axis=1)

    start = np.append(points.mean(axis=0), 0.0)
    start[-1] = -height(start).min()
    inside = {"type": "ineq", "fun": height}
    return minimize(
        lambda v: v[-1], start, method="SLSQP", constraints=inside, options={"ftol": 1e-14, "maxiter": 500}
    ).x[:-1]


def hidden_ball_centre(answer):
    for n in (2, 3, 5):  # the simplex, where Jung's inequality is an equality
        corners = np.eye(n + 1) @ np.linalg.svd(np.ones((1, n + 1)))[2][1:].T
        found = numbers(call(answer, corners + 2.0, name="ball_centre"), name="ball_centre", shape=(n,))
        compare(
            np.linalg.norm(corners + 2.0 - found, axis=1).max(),
            np.sqrt(2 * n / (2 * (n + 1))),
            name="the radius around ball_centre of a simplex",
            tol=1e-4,
        )
    rng = np.random.default_rng(22)
    for count in (3, 5, 9):
        points = rng.standard_normal((count, 2)) * [1.0, 2.0]
        compare(call(answer, points, name="ball_centre"), _smallest_disc(points), name="ball_centre", tol=1e-3)


def _smallest_disc(points):
    """Return the centre of the smallest disc among those through two opposite or three points that contain all."""
    found = []
    for pair in combinations(points, 2):
        found.append(np.mean(pair, axis=0))
    for a, b, c in combinations(points, 3):
        found.append(np.linalg.solve(2 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a]))
    return min(found, key=lambda middle: np.linalg.norm(points - middle, axis=1).max())


def samples_needed(n, factor):
    """Return the N, not rounded, from which the proposition on N samples no longer excludes an error below a level.

    The level is ``factor`` theta / rho, with ``factor`` at least 2; the gate is a ReLU.
    """
    return np.exp(2 * n / factor**2) / 4


def hidden_samples_needed(answer):
    for n, factor in ((6, 2.0), (10, 4.0), (30, 2.0), (100, 4.0), (64, 7.0)):
        low, high = -1.0, 200.0  # of ln N
        for _ in range(200):
            middle = (low + high) / 2
            reach = 2 * np.sqrt(n / (2 * (np.log(4) + middle))) if middle > -np.log(4) else np.inf
            low, high = (middle, high) if reach > factor else (low, middle)
        found = float(numbers(call(answer, n, factor, name="samples_needed"), name="samples_needed"))
        compare(np.log(max(found, 1e-300)), low, name="the logarithm of samples_needed", tol=1e-9)


def closest_allowed(w, x, y, theta, leak):
    """Return the filter closest to ``w``, an array like it, whose gate at ``x`` is within theta of the label ``y``.

    The slope ``leak`` is at least 0.
    """

    def argument(value, otherwise):
        if value >= 0:
            return value
        return value / leak if leak > 0 else otherwise

    low, high = argument(y - theta, -np.inf), argument(y + theta, 0.0)
    return w + (np.clip(w @ x, low, high) - w @ x) / (x @ x) * x


def hidden_closest_allowed(answer):
    from scipy.optimize import brentq

    rng = np.random.default_rng(24)
    for _ in range(60):
        n, leak, theta = int(rng.integers(1, 5)), float(rng.choice([0.0, 0.2, 1.0])), 0.3
        w, truth, x = 2 * rng.standard_normal((3, n))
        gate = nets.SingleFilterNet.gate(n, leak)
        y = gate.predict(truth, x[None])[0] + theta * rng.uniform(-1, 1)

        def miss(step, gate=gate, w=w, x=x, y=y):
            return y - gate.predict(w + step * x, x[None])[0]

        known = 0.0
        if abs(miss(0.0)) > theta:  # the first step along x, in the right direction, that the label allows
            sign = np.sign(miss(0.0))

            def beyond(step, sign=sign, miss=miss, theta=theta):
                return sign * miss(step) - theta

            known = brentq(beyond, 0.0, sign * 1e4, xtol=1e-13)
        compare(call(answer, w, x, y, theta, leak, name="closest_allowed"), w + known * x, name="closest_allowed")


WRONG = {
    "linear_pair": [
        lambda X, theta, rho: (np.eye(2, X.shape[1]) * theta / rho * 0.5, np.zeros(len(X))),
        lambda X, theta, rho: (
            np.outer([1, -1], 2 * theta / rho * np.eye(X.shape[1])[0]),
            np.abs(X[:, 0]) * theta / rho,
        ),  # the ReLU's
        lambda X, theta, rho: (np.outer([0.5, -0.5], theta / rho * np.eye(X.shape[1])[0]), np.zeros(len(X))),
    ],
    "ball_centre": [
        lambda points: points.mean(axis=0),
        lambda points: (points.min(axis=0) + points.max(axis=0)) / 2,
        lambda points: np.median(points, axis=0),
        lambda points: max(
            ((a + b) / 2 for a in points for b in points), key=lambda m: -np.linalg.norm(points - m, axis=1).max()
        ),  # of the best pair
    ],
    "samples_needed": [
        lambda n, factor: np.exp(n / 2) / 4,
        lambda n, factor: np.exp(2 * n / factor**2),
        lambda n, factor: np.exp(n / factor**2) / 4,
        lambda n, factor: np.exp(n / factor) / 4,
    ],
    "closest_allowed": [
        lambda w, x, y, theta, leak: w + (y - max(w @ x, leak * (w @ x))) / (x @ x) * x,  # trusts the label
        lambda w, x, y, theta, leak: w + (np.clip(w @ x, y - theta, y + theta) - w @ x) / (x @ x) * x,  # the line
        lambda w, x, y, theta, leak: w + np.clip(y - max(w @ x, leak * (w @ x)), -theta, theta) / (x @ x) * x,
        lambda w, x, y, theta, leak: (
            w + np.sign(y - max(w @ x, 0)) * max(abs(y - max(w @ x, 0)) - theta, 0) / (x @ x) * x
        ),
    ],
}
