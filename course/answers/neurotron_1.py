"""Answers and hidden checks of the exercises of *The poisoned oracle*."""

import numpy as np

from robustnn_core import nets
from robustnn_core.course import call, compare


def mean_error(start, eta, sigma, steps):
    """Return the mean of the error vector after ``steps`` updates, an array like ``start``.

    ``start`` is the error at the beginning.
    """
    return (1 - eta * sigma**2 / 2) ** steps * start


def hidden_mean_error(answer):
    rng = np.random.default_rng(21)
    for n, steps in ((1, 1), (3, 7), (6, 40)):
        start, eta, sigma = rng.standard_normal(n), 0.1 * rng.random(), 1 + rng.random()
        known = start.copy()
        for _ in range(steps):
            known -= eta * sigma**2 / 2 * known
        compare(call(answer, start, eta, sigma, steps, name="mean_error"), known, name="mean_error")


def mean_update(X, w, w_star):
    """Return the mean update of a ReLU gate (M = I) divided by eta, an array like ``w``.

    The rows of ``X`` are the inputs, the labels are honest.
    """
    return (np.maximum(X @ w_star, 0) - np.maximum(X @ w, 0)) @ X / len(X)


def hidden_mean_update(answer):
    rng = np.random.default_rng(24)
    for n in (1, 2, 5):
        X, w, truth = 1 + rng.standard_normal((30, n)), rng.standard_normal(n), rng.standard_normal(n)
        gate, known = nets.SingleFilterNet.gate(n), np.zeros(n)
        for x in X:
            known += (gate.predict(truth, x[None])[0] - gate.predict(w, x[None])[0]) * x / 30
        compare(call(answer, X, w, truth, name="mean_update"), known, name="mean_update")
        even = np.vstack([X, -X])  # with parity it is linear
        compare(call(answer, even, w, truth, name="mean_update"), -X.T @ (X @ (w - truth)) / 60, name="mean_update")


def blind_limit(theta, sigma, v):
    """Return the error at which the mean update against the lie theta * sign(v . x) vanishes, an array like ``v``.

    ``v`` has length 1.
    """
    return 2 * np.sqrt(2 / np.pi) * theta / sigma * v


def hidden_blind_limit(answer):
    rng = np.random.default_rng(22)
    for n in (1, 4):
        v = rng.standard_normal(n)
        v /= np.linalg.norm(v)
        pull, push = 0.7**2 / 2, 0.3 * 0.7 * np.sqrt(2 / np.pi)  # half the variance; theta E|v.x|
        compare(call(answer, 0.3, 0.7, v, name="blind_limit"), push / pull * v, name="blind_limit")


def matching_loss(z, y, leak):
    """Return the loss, a number, at z = w . x for the label y, zero at z = 0.

    ``leak`` is the slope of the gate for z < 0.
    """
    return 0.5 * z * (z if z > 0 else leak * z) - y * z


def hidden_matching_loss(answer):
    for leak in (0.0, 0.3, 1.0):
        for z in (-2.0, -0.5, 0.4, 3.0):
            for y in (-1.0, 0.7):
                nodes, weights = np.polynomial.legendre.leggauss(5)
                at = z * (nodes + 1) / 2
                known = z / 2 * weights @ (np.where(at > 0, at, leak * at) - y)
                compare(
                    call(answer, z, y, leak, name="matching_loss"),
                    known,
                    name="matching_loss",
                    hint="Integrate prediction minus label.",
                )


def push_kept(share):
    """Return what is left of the greedy push, as a fraction of it, for Gaussian inputs.

    The adversary may touch this ``share`` of the labels.
    """
    from scipy.special import ndtri

    return np.exp(-(ndtri(1 - share / 2) ** 2) / 2)


def hidden_push_kept(answer):
    size = np.sort(np.abs(np.random.default_rng(25).standard_normal(1_000_000)))[::-1]
    for share in (0.02, 0.13, 0.36, 0.71, 0.94):
        known = size[: round(share * len(size))].sum() / size.sum()
        compare(
            call(answer, share, name="push_kept"), known, name="push_kept", tol=4e-3, hint="Touch those that push most."
        )


WRONG = {
    "mean_error": [
        lambda start, eta, sigma, steps: (1 - eta * sigma**2) ** steps * start,  # the gate is shut half of the time
        lambda start, eta, sigma, steps: (1 - eta * sigma / 2) ** steps * start,
        lambda start, eta, sigma, steps: (1 - steps * eta * sigma**2 / 2) * start,
    ],
    "blind_limit": [
        lambda theta, sigma, v: np.sqrt(2 / np.pi) * theta / sigma * v,  # the line's
        lambda theta, sigma, v: 2 * np.sqrt(2 / np.pi) * theta * sigma * v,
        lambda theta, sigma, v: 2 * theta / sigma * v,
    ],
    "mean_update": [
        lambda X, w, w_star: -X.T @ X @ (w - w_star) / (2 * len(X)),  # needs parity
        lambda X, w, w_star: (
            ((np.maximum(X @ w_star, 0) - np.maximum(X @ w, 0)) * (X @ w > 0)) @ X / len(X)
        ),  # gradient descent
        lambda X, w, w_star: (np.maximum(X @ w_star, 0) - np.maximum(X @ w, 0)) @ X,  # the sum
        lambda X, w, w_star: (np.maximum(X @ w, 0) - np.maximum(X @ w_star, 0)) @ X / len(X),
    ],
    "push_kept": [
        lambda share: share,
        lambda share: np.sqrt(share),
        lambda share: 1 - (1 - share) ** 2,  # as if |z| were uniform
    ],
    "matching_loss": [
        lambda z, y, leak: 0.5 * (max(z, leak * z) - y) ** 2,  # the squared loss
        lambda z, y, leak: 0.5 * max(z, 0.0) ** 2 - y * z,  # forgets the leak
        lambda z, y, leak: max(z, leak * z) - y * z,
    ],
}
