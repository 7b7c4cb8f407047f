"""Answers and hidden checks of the exercises of *Hidden convexity*."""

import numpy as np

from robustnn_core import convex
from robustnn_core.course import call, compare, fail, numbers


def split_linear(X, q):
    """Return (v, w), two arrays like q with v - w = q, both in the cell of the pattern that sees every row of X.

    The last column of X is all ones.
    """
    w = np.zeros(len(q))
    w[-1] = max(0.0, -(X @ q).min())
    return q + w, w


def hidden_split_linear(answer):
    rng = np.random.default_rng(31)
    for n, d in ((1, 2), (5, 2), (30, 4)):
        X, q = np.column_stack([3 * rng.standard_normal((n, d - 1)), np.ones(n)]), rng.standard_normal(d)
        v, w = (numbers(part, name="split_linear", shape=(d,)) for part in call(answer, X, q, name="split_linear"))
        scale = np.linalg.norm(X, axis=1).max() * (1 + np.linalg.norm(v))
        if min((X @ v).min(), (X @ w).min()) < -1e-9 * scale:
            fail("A part of split_linear is outside the cell.")
        p = numbers((np.maximum(X @ v, 0) - np.maximum(X @ w, 0)), name="the prediction", shape=(n,))
        compare(p, X @ q, name="the prediction of the two units", hint="It must be the linear map q.")


def silencing_beta(X, y):
    """Return beta_0, a number, for the squared loss; X has shape (n, 2), y has shape (n,).

    Three correct digits are enough.
    """
    turns = np.linspace(0, 2 * np.pi, 40_001)
    units = np.maximum(X @ np.stack([np.cos(turns), np.sin(turns)]), 0)
    return np.abs(y @ units).max()


def hidden_silencing_beta(answer):
    for seed in range(4):
        rng = np.random.default_rng(40 + seed)
        X, y = rng.standard_normal((3 + 2 * seed, 2)), rng.standard_normal(3 + 2 * seed)
        known = convex.price(X, y, 1.0, exhaustive=True).value
        compare(
            call(answer, X, y, name="silencing_beta") / known,
            1.0,
            tol=1e-3,
            name="silencing_beta, relative to its true value,",
        )


def line_patterns(inputs):
    """Return the open patterns of n distinct inputs with a bias: a boolean array of shape (n, patterns).

    No column twice, columns in any order.
    """
    order = np.argsort(np.argsort(inputs))
    upper = order[:, None] >= np.arange(len(inputs))
    return np.hstack([upper, ~upper])


def hidden_line_patterns(answer):
    rng = np.random.default_rng(50)
    for n in (2, 5, 11):
        inputs = rng.uniform(-1, 1, n)
        active = numbers(call(answer, inputs, name="line_patterns"), name="line_patterns", shape=(n, 2 * n)) > 0
        seen = convex.enumerate_patterns(np.column_stack([inputs, np.ones(n)])).active
        if {tuple(c) for c in active.T} - {(False,) * n} != {tuple(c) for c in seen.T}:
            fail("line_patterns has a column that no unit makes.")


WRONG = {
    "split_linear": [
        lambda X, q: (q, np.zeros(len(q))),
        lambda X, q: (np.maximum(q, 0), np.maximum(-q, 0)),  # signs of the weights are not those of the predictions
        lambda X, q: (q + abs(q).max() * np.eye(len(q))[-1], abs(q).max() * np.eye(len(q))[-1]),  # inputs larger than 1
    ],
    "silencing_beta": [
        lambda X, y: np.linalg.norm(X.T @ y),  # forgets the gate
        lambda X, y: max(abs(y[k]) * np.linalg.norm(X[k]) for k in range(len(y))),  # one point at a time
        lambda X, y: max(y @ np.maximum(X @ [np.cos(t), np.sin(t)], 0) for t in np.linspace(0, 7, 7001)),  # one sign
        lambda X, y: max(
            abs(y @ np.maximum(X @ u, 0)) for u in X / np.linalg.norm(X, axis=1)[:, None]
        ),  # units at the points only
    ],
    "line_patterns": [
        lambda inputs: inputs[:, None] >= np.sort(inputs),  # one side only
        lambda inputs: np.hstack([np.tri(len(inputs), dtype=bool), ~np.tri(len(inputs), dtype=bool)]),  # not sorted
        lambda inputs: np.hstack(
            [inputs[:, None] >= np.sort(inputs), inputs[:, None] <= np.sort(inputs)]
        ),  # all twice, nothing never
    ],
}
