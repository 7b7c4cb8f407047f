"""Answers and hidden checks of the exercises of *A quarter, not a half*."""

import numpy as np

from robustnn_core import nets
from robustnn_core.breakdown import theory
from robustnn_core.course import call, compare, fail, numbers


def most_survived(n, d, active):
    """Return (m*, h), two whole numbers, h a coverage that attains m*, for ``n`` points of R^d in general position,
    ``active`` of them active."""
    m = (active - d) // 2
    return m, n - m


def hidden_most_survived(answer):
    for seed in range(6):
        rng = np.random.default_rng(50 + seed)
        n, d = 20 + seed, 2 + seed % 3
        X, u = rng.standard_normal((n, d)), rng.standard_normal(d)
        distance = theory.relu_distance(X, u)
        found = call(answer, n, d, int((X @ u > 0).sum()), name="most_survived")
        m, h = numbers(found, name="most_survived", shape=(2,))
        limits = {h: theory.coverage_limit(n, h, distance) for h in range(1, n + 1)}
        compare(m, max(limits.values()), name="m*")
        compare(limits.get(int(h), -1), m, name="what the coverage h survives")


def opposite_unit(u, leak):
    """Return the weights v, an array like ``u``, with -sigma(v . x) = sigma(u . x) at all x with u . x > 0;
    sigma has the slope ``leak`` < 1 below 0."""
    return -np.asarray(u) / leak


def hidden_opposite_unit(answer):
    for seed, leak in enumerate((0.01, 0.3, 0.9)):
        rng = np.random.default_rng(60 + seed)
        X, u = rng.standard_normal((50, 2 + seed)), rng.standard_normal(2 + seed)
        v = numbers(call(answer, u, leak, name="opposite_unit"), name="opposite_unit", shape=u.shape)
        truth, other = nets.leaky_relu(X @ u, leak), -nets.leaky_relu(X @ v, leak)
        differs = ~np.isclose(truth, other)
        compare(differs.astype(float), (X @ u < 0).astype(float), name="where the two differ (1) and agree (0)")


def tied_labels(X, u, h):
    """Return n labels of which max(u . x, 0) and its half each fit at least ``h`` exactly; ``h`` is at most n
    minus half of the active points."""
    y = np.maximum(X @ u, 0)
    y[np.flatnonzero(y > 0)[::2]] /= 2
    return y


def hidden_tied_labels(answer):
    for seed in range(3):
        rng = np.random.default_rng(70 + seed)
        X, u = rng.standard_normal((80, 2)), rng.standard_normal(2)
        h = 80 - ((X @ u > 0).sum() + 1) // 2
        y = numbers(call(answer, X, u, int(h), name="tied_labels"), name="tied_labels", shape=(80,))
        for scale in (1.0, 0.5):
            missed = (~np.isclose(y, np.maximum(scale * (X @ u), 0))).sum()
            if missed > 80 - h:
                fail(f"{scale} f* misses more than n - h labels.")


def share_noticed(z, c, leak, tau):
    """Return the share of the points at which sigma(c z) and sigma(z) are more than ``tau`` apart; ``z`` is the
    array of all u . x, sigma has the slope ``leak`` below 0, c > 0."""
    gap = abs(c - 1) * np.abs(z)
    return float((np.where(z > 0, gap, leak * gap) > tau).mean())


def hidden_share_noticed(answer):
    from scipy import stats

    z = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    for c, leak, tau in ((0.3, 0.2, 0.1), (2.5, 0.02, 0.3), (0.9, 0.7, 0.01)):
        known = stats.norm.sf(tau / abs(c - 1)) + stats.norm.cdf(-tau / abs(c - 1) / leak)
        compare(call(answer, z, c, leak, tau, name="share_noticed"), known, name="share_noticed", tol=2e-4)


WRONG = {
    "most_survived": [
        lambda n, d, active: ((n - d) // 2, n - (n - d) // 2),  # the line's
        lambda n, d, active: ((active - d) // 2, n // 2 + 1),
        lambda n, d, active: ((active - d + 1) // 2, n - (active - d + 1) // 2),  # d/2 is already too much
        lambda n, d, active: ((active - d) // 2, 3 * n // 4 + 2),
    ],
    "opposite_unit": [lambda u, leak: -u, lambda u, leak: -leak * u, lambda u, leak: u / leak],
    "tied_labels": [
        lambda X, u, h: np.maximum(X @ u, 0),
        lambda X, u, h: (
            np.maximum(X @ u, 0) * np.where(np.arange(len(X)) < len(X) - h, 0.5, 1)
        ),  # half of the lies sleep
        lambda X, u, h: np.maximum(X @ u, 0) / 2,
    ],
    "share_noticed": [
        lambda z, c, leak, tau: (np.abs(c - 1) * np.abs(z) > tau).mean(),  # forgets the leak
        lambda z, c, leak, tau: (np.where(z > 0, (1 - c) * z, leak * (1 - c) * z) > tau).mean(),
        lambda z, c, leak, tau: (abs(c - 1) * np.maximum(z, 0) > tau).mean(),
    ],
}
