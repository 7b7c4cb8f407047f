"""Answers and hidden checks of the exercises of *Partition training*."""

import numpy as np

from robustnn_core import nets
from robustnn_core.breakdown import trimmed_loss
from robustnn_core.course import call, compare


def slope_at_kink(X, y, u, step):
    """Return the derivative of the sum of all (y_i - max((u + t step) . x_i, 0))^2 at t = 0 from the right;
    points may lie on the kink of ``u``."""
    z, dz = X @ u, X @ step
    opening = np.where(z > 0, dz, np.where(z == 0, np.maximum(dz, 0), 0))
    return -2 * float((y - np.maximum(z, 0)) @ opening)


def hidden_slope_at_kink(answer):
    for seed in range(4):
        rng = np.random.default_rng(80 + seed)
        X, y, u, step = (
            rng.standard_normal((12, 3)),
            rng.standard_normal(12),
            np.array([0.0, 1.0, 0.0]),
            rng.standard_normal(3),
        )
        X[:5, 1] = 0  # on the kink
        known = [np.sum((y - np.maximum(X @ (u + t * step), 0)) ** 2) for t in (0.0, 1e-7)]
        compare(
            call(answer, X, y, u, step, name="slope_at_kink"),
            (known[1] - known[0]) / 1e-7,
            name="slope_at_kink",
            tol=1e-4,
        )


def regions_suffice(patterns):
    """Return True if regions with these patterns, ``patterns`` an array of 0 and 1 with one row a region and
    one column a unit, determine all units; every region holds d independent points."""
    return np.linalg.matrix_rank(patterns) == patterns.shape[1]


def hidden_regions_suffice(answer):
    rng = np.random.default_rng(90)
    for _ in range(40):
        K, d = int(rng.integers(2, 5)), 2
        patterns = rng.integers(0, 2, (int(rng.integers(K, K + 2)), K))
        Z = np.vstack([np.kron(row, rng.standard_normal((5, d))) for row in patterns])  # five points a region
        compare(
            call(answer, patterns, name="regions_suffice"),
            np.linalg.matrix_rank(Z) == K * d,
            name="regions_suffice (1 for True)",
        )


def pick_pattern(residuals, h):
    """Return the number, from 0 on, of the row with the least trimmed loss F_h; ``residuals`` has one row for each sign
    pattern and one column for each point."""
    return int(np.argmin(np.sort(residuals**2, axis=1)[:, :h].sum(axis=1)))


def hidden_pick_pattern(answer):
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        X, y = rng.standard_normal((30, 2)), rng.standard_normal(30) * rng.exponential(1, 30)
        candidates = [nets.ReLUSum(rng.standard_normal((2, 2)), s) for s in ((1, 1), (1, -1), (-1, -1))]
        residuals = np.array([y - net.predict(X) for net in candidates])
        losses = [trimmed_loss(net, X, y, keep=20) for net in candidates]
        compare(call(answer, residuals, 20, name="pick_pattern"), losses.index(min(losses)), name="pick_pattern")


def draws_needed(d, wrong, miss):
    """Return the least number of draws such that the probability that no draw is clean is at most ``miss``. A
    draw is d points, each of them wrong with probability ``wrong`` independently of the others."""
    return max(1, int(np.ceil(np.log(miss) / np.log1p(-((1 - wrong) ** d)))))


def hidden_draws_needed(answer):
    for d, wrong, miss in ((1, 0.3, 0.01), (3, 0.45, 0.001), (5, 0.5, 0.05), (8, 0.2, 1e-6)):
        clean = 1.0
        for _ in range(d):
            clean -= clean * wrong
        draws, missed = 0, 1.0
        while missed > miss:
            draws, missed = draws + 1, missed * (1 - clean)
        compare(call(answer, d, wrong, miss, name="draws_needed"), draws, name="draws_needed")


WRONG = {
    "slope_at_kink": [
        lambda X, y, u, step: (
            -2 * float((y - np.maximum(X @ u, 0)) @ ((X @ u > 0) * (X @ step)))
        ),  # points on the kink sleep
        lambda X, y, u, step: (
            -2 * float((y - np.maximum(X @ u, 0)) @ ((X @ u >= 0) * (X @ step)))
        ),  # all of them wake up
        lambda X, y, u, step: 2 * float((y - np.maximum(X @ u, 0)) @ ((X @ u > 0) * (X @ step))),
    ],
    "regions_suffice": [
        lambda patterns: len(patterns) >= patterns.shape[1],  # the report's
        lambda patterns: bool(patterns.any(axis=0).all()),
        lambda patterns: bool(patterns.any(axis=0).all()) and len(np.unique(patterns, axis=0)) >= patterns.shape[1],
    ],
    "pick_pattern": [
        lambda residuals, h: int(np.argmin((residuals**2).sum(axis=1))),
        lambda residuals, h: int(np.argmin((np.sort(residuals, axis=1)[:, :h] ** 2).sum(axis=1))),
        lambda residuals, h: int(np.argmin((residuals[:, :h] ** 2).sum(axis=1))),  # not the smallest ones
        lambda residuals, h: int(np.argmin(np.sort(np.abs(residuals), axis=1)[:, h - 1])),
    ],
    "draws_needed": [
        lambda d, wrong, miss: int(np.ceil((1 - wrong) ** -d)),  # one clean draw on average
        lambda d, wrong, miss: max(1, int(np.ceil(np.log(miss) / np.log(1 - (1 - wrong) ** d)))) + 1,
        lambda d, wrong, miss: max(1, int(np.ceil(np.log(miss) / np.log(1 - (1 - wrong))))) if wrong else 1,
        lambda d, wrong, miss: max(1, int(np.ceil(np.log(1 - miss) / np.log1p(-((1 - wrong) ** d))))),
    ],
}
