"""Answers and hidden checks of the exercises of *Convex adversarial training*."""

import numpy as np

from robustnn_core import convex
from robustnn_core.course import call, compare, fail, numbers


def margin_in_ball(q, x, y, eps):
    """Return the smallest y q . (x + delta) over the moves of length at most ``eps``.

    The last entry of x is the bias and does not move.
    """
    return y * (q @ x) - eps * np.linalg.norm(q[:-1])


def hidden_margin_in_ball(answer):
    turns = np.linspace(0, 2 * np.pi, 100_001)
    moves = np.stack([np.cos(turns), np.sin(turns), np.zeros_like(turns)])
    rng = np.random.default_rng(90)
    for _ in range(4):
        q, x, y, eps = (
            rng.standard_normal(3),
            np.append(rng.standard_normal(2), 1.0),
            rng.choice([-1.0, 1.0]),
            rng.random(),
        )
        known = (y * (q @ (x[:, None] + eps * moves))).min()
        compare(call(answer, q, x, y, eps, name="margin_in_ball"), known, name="margin_in_ball")
    q, x = rng.standard_normal(6), np.append(rng.standard_normal(5), 1.0)
    found = numbers(call(answer, q, x, 1.0, 0.5, name="margin_in_ball"), name="margin_in_ball")
    steps = rng.standard_normal((2000, 5))
    reached = (q @ x + 0.5 * (steps / np.linalg.norm(steps, axis=1)[:, None]) @ q[:-1]).min()
    if found > reached:
        fail("margin_in_ball is too large: some move reaches less.")


def critical_radius(x, k):
    """Return the largest eps at which the pattern that switches between x_k and x_{k+1} survives.

    ``x``, shape (n,), is sorted, k is 1, ..., n - 1.
    """
    return (x[k] - x[k - 1]) / 2


def hidden_critical_radius(answer):
    rng = np.random.default_rng(91)
    for n in (2, 7):
        x = np.sort(rng.uniform(-2, 2, n))
        X = np.column_stack([x, np.ones(n)])
        for k in range(1, n):
            pattern = convex.Patterns((np.arange(n) >= k)[:, None], [[1.0], [-(x[k] + x[k - 1]) / 2]])
            compare(
                call(answer, x, k, name="critical_radius"),
                convex.robust_margins(X, pattern, 1.0, bias=1)[0],
                name="critical_radius",
            )


def bending_example(beta):
    """Return (inputs, labels, eps, units, signs): at most 20 points on a line, a radius, and a net.

    The net's robust objective (hinge loss, penalty ``beta``) is below the optimum of the program with all
    patterns. ``units`` has shape (m, 2), a weight and a bias in each row; signs and labels are 1 or -1.
    """
    inputs = np.linspace(-1, 1, 9)
    labels = np.where(np.abs(inputs) < 0.6, 1.0, -1.0)
    slope = 1 / 0.245  # from 1 at the end of one box to -1 where the box after the next begins
    units = np.array([[0.0, 1.0], [slope, -0.38 * slope], [-slope, -0.38 * slope]])
    return inputs, labels, 0.13, units, np.array([1.0, -1.0, -1.0])


def hidden_bending_example(answer):
    for beta in (5e-4, 2e-3):
        inputs, labels, eps, units, signs = (
            np.asarray(part, dtype=float) for part in call(answer, beta, name="bending_example")
        )
        turning = units[units[:, 0] != 0]
        kinks = -turning[:, 1] / turning[:, 0]
        worst = []
        for x, y in zip(inputs, labels):  # a piecewise linear function is smallest at an end or at a kink
            places = np.r_[x - eps, x + eps, kinks[np.abs(kinks - x) < eps]]
            worst.append((y * np.maximum(np.outer(places, units[:, 0]) + units[:, 1], 0) @ signs).min())
        value = np.maximum(1 - np.array(worst), 0).mean() + beta * np.linalg.norm(units, axis=1).sum()
        X = np.column_stack([inputs, np.ones(len(inputs))])
        best = convex.fit_robust(X, labels, convex.enumerate_patterns(X), beta=beta, radius=float(eps), bias=1)
        if value >= best.lower_bound:
            fail("The net of bending_example is not below the optimum of the robust program.")


WRONG = {
    "margin_in_ball": [
        lambda q, x, y, eps: y * (q @ x) - eps * np.abs(q[:-1]).sum(),  # the box
        lambda q, x, y, eps: y * (q @ x) - eps * np.linalg.norm(q),  # moves the bias
        lambda q, x, y, eps: y * (q @ x - eps * np.linalg.norm(q[:-1])),  # helps the label -1
        lambda q, x, y, eps: y * (q @ x) + eps * np.linalg.norm(q[:-1]),
    ],
    "critical_radius": [
        lambda x, k: x[k] - x[k - 1],
        lambda x, k: np.diff(x).min() / 2,  # as if all gaps mattered
        lambda x, k: (x[min(k + 1, len(x) - 1)] - x[min(k, len(x) - 2)]) / 2,  # counts from 0
    ],
    "bending_example": [
        lambda beta: (
            np.linspace(-1, 1, 9),
            np.sign(0.6 - np.abs(np.linspace(-1, 1, 9))),
            0.13,
            np.array([[0.0, 1.0]]),
            np.ones(1),
        ),  # a constant
        # boxes that are apart: the program can put the bends between them
        lambda beta: (
            np.linspace(-1, 1, 9),
            np.sign(0.6 - np.abs(np.linspace(-1, 1, 9))),
            0.1,
            np.array([[0, 1], [4, -1.6], [-4, -1.6]]),
            np.array([1, -1, -1]),
        ),
        # bends, but too steeply: it pays more at the boxes that are torn
        lambda beta: (
            np.linspace(-1, 1, 9),
            np.sign(0.6 - np.abs(np.linspace(-1, 1, 9))),
            0.13,
            np.array([[0, 9], [90, -54], [-90, -54]]),
            np.array([1, -1, -1]),
        ),
    ],
}
