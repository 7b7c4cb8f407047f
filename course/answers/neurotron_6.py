"""Answers and hidden checks of the exercises of *Lies without a bound*."""

import numpy as np
from scipy.stats import norm

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare


def total_updates(n, b, delta, k):
    """Return the number of updates of k epochs together, a whole number: k T.

    The gate is a ReLU and x ~ N(0, I_n). All k epochs succeed with probability 1 - delta.
    """
    return k * int(np.ceil(4 * np.pi * n * k**2 / ((1 - 2 * b) ** 2 * delta**2)))


def hidden_total_updates(answer):
    for n, b, delta, k in ((3, 0.0, 0.1, 1), (10, 0.3, 0.2, 3), (7, 0.45, 0.5, 5)):
        c = neurotron.constants(nets.SingleFilterNet.gate(n), laws.Gaussian(n))
        s = neurotron.sign_schedule(c, probability=b, delta=delta, start=1.0, eps=2.0**-k)
        compare(call(answer, n, b, delta, k, name="total_updates"), s.epochs * s.steps, name="total_updates", tol=1e-5)


def uneven_drift(X, beta, u):
    """Return the mean of (1 - 2 beta(x)) |u . x|, a number.

    The inputs are the rows of ``X`` and their negatives, all equally likely; ``beta[i]`` is the probability
    of a lie at row i and at its negative, and ``u`` is a unit vector.
    """
    return np.mean((1 - 2 * beta) * np.abs(X @ u))


def hidden_uneven_drift(answer):
    rng = np.random.default_rng(31)
    for n in (1, 3, 6):
        X, beta, u = rng.standard_normal((9, n)), rng.uniform(0, 1, 9), rng.standard_normal(n)
        u /= np.linalg.norm(u)
        known = sum((1 - 2 * b) * abs(sum(x * u)) for x, b in zip(X, beta, strict=True)) / 9
        compare(call(answer, X, beta, u, name="uneven_drift"), known, name="uneven_drift")


def mean_sign(pull, tau):
    """Return the mean of the sign of y - f_w(x) for a label that is honest but for its noise, a number.

    ``pull`` is e . x, the noise is N(0, tau^2), and both w . x and w* . x are positive.
    """
    from math import erf

    return -erf(pull / (np.sqrt(2) * tau))


def hidden_mean_sign(answer):
    noise = np.random.default_rng(32).standard_normal(400_000)
    for pull, tau in ((0.1, 1.0), (-0.5, 0.7), (2.0, 1.5)):
        known = np.sign(tau * noise - pull).mean()
        compare(call(answer, pull, tau, name="mean_sign"), known, name="mean_sign", tol=0.01)


WRONG = {
    "total_updates": [
        lambda n, b, delta, k: k * int(np.ceil(4 * np.pi * n / ((1 - 2 * b) ** 2 * delta**2))),  # delta not shared
        lambda n, b, delta, k: int(np.ceil(4 * np.pi * n * k**2 / ((1 - 2 * b) ** 2 * delta**2))),  # one epoch only
        lambda n, b, delta, k: k * int(np.ceil(4 * np.pi * n * k**2 / ((1 - b) ** 2 * delta**2))),
        lambda n, b, delta, k: k * int(np.ceil(2 * np.pi * n * k**2 / ((1 - 2 * b) ** 2 * delta**2))),  # a leaky gate
    ],
    "uneven_drift": [
        lambda X, beta, u: np.mean(np.abs(X @ u)) * (1 - 2 * np.mean(beta)),  # the means multiplied
        lambda X, beta, u: np.mean((1 - beta) * np.abs(X @ u)),  # a lie counted as nothing
        lambda X, beta, u: np.mean((1 - 2 * beta) * np.abs(X @ u)) / 2,
        lambda X, beta, u: np.mean((1 - 2 * beta) * (X @ u)),
    ],
    "mean_sign": [
        lambda pull, tau: 2 * norm.cdf(pull / tau) - 1,  # the wrong direction
        lambda pull, tau: 1 - 2 * norm.cdf(np.sqrt(2) * pull / tau),  # another convention of erf
        lambda pull, tau: -np.tanh(pull / tau),
        lambda pull, tau: -np.sign(pull),  # without noise
    ],
}
