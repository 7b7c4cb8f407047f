"""Answers and hidden checks of the exercises of *Against FGSM and PGD training*."""

import itertools

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import datasets, experiments
from robustnn_core.course import call, compare, fail, numbers


def attacked_points(q, X, y, e):
    """Return the points after FGSM, an array like X, for the score ``X @ q``.

    y has labels 1 and -1, and ``e`` the half-widths of the box.
    """
    return X - y[:, None] * (e * np.sign(q))


def corners(e):
    """Return the corners of the box, one a row."""
    return np.array(list(itertools.product(*((-r, r) for r in e))))


def hidden_attacked_points(answer):
    rng = np.random.default_rng(95)
    for n, d in ((1, 2), (9, 4)):
        X, y, q = rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n), rng.standard_normal(d)
        e = np.append(rng.random(d - 1), 0.0)
        moved = numbers(call(answer, q, X, y, e, name="attacked_points"), name="attacked_points", shape=(n, d))
        if (np.abs(moved - X) > e + 1e-12).any():
            fail("attacked_points leaves the box.")
        known = [min(label * ((x + move) @ q) for move in corners(e)) for x, label in zip(X, y)]
        compare(
            y * (moved @ q), known, name="the margin of attacked_points", hint="One step is optimal for a linear score."
        )


def robust_value(X, y, D, V, W, e, beta):
    """Return the objective of the robust program for the hinge loss.

    D is boolean (n, P), V and W have shape (d, P), ``e`` has shape (d,).
    """
    Q = D @ (V - W).T
    margins = y * (Q * X).sum(axis=1) - np.abs(Q) @ e
    return np.maximum(1 - margins, 0).mean() + beta * (
        np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum()
    )


def hidden_robust_value(answer):
    for seed, radius in ((0, 0.08), (3, 0.03)):
        X, y = datasets.plane("ring", 12, seed)
        made = experiments.gates(X, 12, seed, bias=-1)
        fit = convex.fit_robust(X, y, made, beta=1e-2, radius=radius, bias=-1)
        got = call(answer, X, y, fit.patterns.active, fit.v, fit.w, fit.radius, 1e-2, name="robust_value")
        compare(got, fit.objective, tol=1e-5, name="robust_value of a solution")
    rng = np.random.default_rng(96)
    X, y, D = rng.standard_normal((5, 3)), rng.choice([-1.0, 1.0], 5), rng.random((5, 2)) > 0.5
    V, W, e = rng.standard_normal((3, 2)), rng.standard_normal((3, 2)), rng.random(3)
    worst = 0.0
    for k in range(5):
        slope = sum(V[:, i] - W[:, i] for i in range(2) if D[k, i]) + np.zeros(3)
        worst += max(max(0.0, 1 - y[k] * ((X[k] + move) @ slope)) for move in corners(e)) / 5
    worst += 0.3 * sum(np.sqrt(v @ v) for v in [*V.T, *W.T])
    compare(
        call(answer, X, y, D, V, W, e, 0.3, name="robust_value"),
        worst,
        name="robust_value",
        hint="Visit all corners of the box.",
    )


def keeps_its_pattern(X, units, e):
    """Return a boolean array: which units keep their pattern on X under all moves with half-widths ``e``.

    The units are the rows of ``units``. A unit that is 0 at the edge of a box keeps it.
    """
    return (np.abs(X @ units.T) >= np.abs(units) @ e).all(axis=0)


def hidden_keeps_its_pattern(answer):
    rng = np.random.default_rng(97)
    for n, d, width in ((1, 2, 6), (4, 3, 0.3), (6, 4, 0.1)):
        X, units = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)]), rng.standard_normal((30, d))
        e = np.append(width * rng.random(d - 1), 0.0)
        known = []
        for unit in units:
            scores = (X[:, None, :] + corners(e)) @ unit
            known.append(all((row >= 0).all() or (row <= 0).all() for row in scores))
        compare(
            call(answer, X, units, e, name="keeps_its_pattern"),
            known,
            name="keeps_its_pattern",
            hint="Visit all corners of all boxes.",
        )


WRONG = {
    "attacked_points": [
        lambda q, X, y, e: X + y[:, None] * (e * np.sign(q)),
        lambda q, X, y, e: X - e * np.sign(q),  # helps the label -1
        lambda q, X, y, e: X - y[:, None] * (e * q),  # the gradient, not its sign
        lambda q, X, y, e: X - y[:, None] * (e * np.sign(X)),
    ],
    "robust_value": [
        lambda X, y, D, V, W, e, beta: (
            np.maximum(1 - y * ((D @ (V - W).T) * X).sum(axis=1) + D @ (np.abs(V) + np.abs(W)).T @ e, 0).mean()
            + beta * (np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum())
        ),  # each unit for itself
        lambda X, y, D, V, W, e, beta: (
            np.maximum(1 - y * ((D @ (V - W).T) * X).sum(axis=1), 0).mean()
            + beta * (np.linalg.norm(V, axis=0).sum() + np.linalg.norm(W, axis=0).sum())
        ),  # no adversary
        lambda X, y, D, V, W, e, beta: (
            np.maximum(1 - y * ((D @ (V - W).T) * X).sum(axis=1) + np.abs(D @ (V - W).T) @ e, 0).mean()
            + beta * np.linalg.norm(V - W, axis=0).sum()
        ),  # pays for the slope
    ],
    "keeps_its_pattern": [
        lambda X, units, e: (X @ units.T >= np.abs(units) @ e).all(axis=0),  # only units that see all
        lambda X, units, e: (np.abs(X @ units.T) >= np.linalg.norm(units * e, axis=1)).all(axis=0),  # the ball
        lambda X, units, e: (np.abs(X @ units.T) >= e.max()).all(axis=0),  # forgets the slope
        lambda X, units, e: (np.abs(X @ units.T) >= np.abs(units) @ e).any(axis=0),
    ],
}
