r"""Filters that labels within theta allow: the closest one, the corners of the set, the widest pair of a sample."""

import numpy as np
from scipy.optimize import linprog

from robustnn_core import checks, nets

__all__ = ["closest", "corners", "widest_pair"]


def closest(z, y, *, theta, leak=0.0):
    """Return the argument closest to ``z`` at which a gate is within theta of the label ``y``, entry by entry.

    A label that allows nothing (theta too small, leak 0) is taken to allow the shut gate.

    Parameters
    ----------
    z, y : array_like
        What the gate sees now, and the labels; of shapes that broadcast.
    theta : float >= 0
    leak : float in [0, 1]

    Examples
    --------
    >>> from robustnn_core.neurotron import feasible
    >>> feasible.closest([0.0, 0.95, 2.0], [1.0, 1.0, 1.0], theta=0.1)
    array([0.9 , 0.95, 1.1 ])
    """
    z, y = np.asarray(z, float), np.asarray(y, float)
    theta = checks.number(theta, "theta", at_least=0.0)
    leak = checks.number(leak, "leak", at_least=0.0, at_most=1.0)
    low, high = y - theta, y + theta
    slope = leak if leak > 0 else 1.0
    low = np.where(low > 0, low, low / slope if leak > 0 else -np.inf)
    high = np.where(high > 0, high, high / slope if leak > 0 else 0.0)
    return np.minimum(np.maximum(z, low), high)


def corners(X, y, *, theta, leak=0.0):
    r"""Corners of the feasible set :math:`\{w : |y_i - f_w(x_i)| \le \theta\}` of one gate in the plane.

    For each pattern of signs of the :math:`w\cdot x_i` the set is a polygon; its corners lie where two of
    the lines :math:`w\cdot x_i = 0` and :math:`f_w(x_i) = y_i \pm \theta` cross. All crossings are tried. The
    two corners farthest apart are as far apart as any two points of the set, if the set is bounded.

    Parameters
    ----------
    X : array_like, shape (N, 2)
    y : array_like, shape (N,)
    theta : float > 0
    leak : float

    Returns
    -------
    ndarray, shape (C, 2)
        Each once.

    Examples
    --------
    >>> from robustnn_core.neurotron import feasible
    >>> found = feasible.corners([[1, 0], [0, 1], [-1, 0], [0, -1]], [0, 0, 0, 0], theta=1.0)
    >>> found.min(), found.max()
    (np.float64(-1.0), np.float64(1.0))
    """
    X = checks.array(X, "X", shape=("N", 2))
    y = checks.array(y, "y", shape=(len(X),))
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak")
    levels = np.stack([np.zeros_like(y), y - theta, y + theta])
    if leak != 0:
        levels = np.concatenate([levels, levels[1:] / leak])
    rows, values = np.tile(X, (len(levels), 1)), levels.ravel()
    i, j = np.triu_indices(len(rows), 1)
    det = rows[i, 0] * rows[j, 1] - rows[i, 1] * rows[j, 0]
    cross = np.abs(det) > 1e-9 * np.abs(X).max() ** 2
    i, j, det = i[cross], j[cross], det[cross]
    crossings = (
        np.stack(
            [values[i] * rows[j, 1] - values[j] * rows[i, 1], rows[i, 0] * values[j] - rows[j, 0] * values[i]], axis=1
        )
        / det[:, None]
    )
    misfit = np.abs(nets.leaky_relu(crossings @ X.T, leak) - y).max(axis=1)
    found = crossings[misfit <= theta * (1 + 1e-9)]
    return found[np.unique((found / theta).round(6) + 0.0, axis=0, return_index=True)[1]]


def widest_pair(X, *, theta, leak=0.0, starts=3):
    r"""The two filters farthest apart that some labels on the sample cannot tell apart (one gate, plane).

    That is the largest \|w - w'\| with :math:`|f_w(x_i) - f_{w'}(x_i)| \le 2\theta` at every input: the worst
    diameter of a feasible set. For each pair of sign patterns the constraints are linear; a linear programme
    pushes w - w' along a direction, which is then turned towards the answer, from ``starts`` directions.

    Parameters
    ----------
    X : array_like, shape (N, 2)
    theta : float > 0
    leak : float > -1
    starts : int >= 1

    Returns
    -------
    ndarray, shape (2, 2)
        w and w'; infinite entries if the distance is unbounded.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.feasible import widest_pair
    >>> w, other = widest_pair([[1, 0], [0, 1], [-1, 0], [0, -1]], theta=1.0)
    >>> round(np.linalg.norm(w - other) / 2**1.5, 6)
    np.float64(2.0)
    """
    X = checks.array(X, "X", shape=("N", 2))
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak", above=-1.0)
    starts = checks.integer(starts, "starts", at_least=1)
    walls = np.sort(np.mod(np.arctan2(X[:, 1], X[:, 0])[:, None] + np.array([0.5, 1.5]) * np.pi, 2 * np.pi).ravel())
    middles = (walls + np.roll(walls, -1) + np.where(np.roll(walls, -1) < walls, 2 * np.pi, 0)) / 2
    patterns = np.unique(np.where(X @ np.stack([np.cos(middles), np.sin(middles)]) >= 0, 1.0, -1.0).T, axis=0)
    best, found = 0.0, np.zeros((2, 2))
    for a, first in enumerate(patterns):
        for second in patterns[a:]:
            here = np.where(first > 0, 1.0, leak)[:, None] * X
            there = np.where(second > 0, 1.0, leak)[:, None] * X
            apart = np.hstack([here, -there])
            signs = np.block([[-first[:, None] * X, 0 * X], [0 * X, -second[:, None] * X]])
            rows = np.vstack([apart, -apart, signs])
            limits = np.concatenate([np.full(2 * len(X), 2 * theta), np.zeros(2 * len(X))])
            for angle in np.arange(starts) * 2 * np.pi / starts:
                reached, pair = _pushed_apart(rows, limits, np.array([np.cos(angle), np.sin(angle)]))
                if reached == np.inf:
                    return pair
                if reached > best:
                    best, found = reached, pair
    return found


def _pushed_apart(rows, limits, u):
    """Push w - w' along ``u``, then along where it has gone, until it grows no more: its length, and the pair."""
    reached = 0.0
    while True:
        answer = linprog(np.concatenate([-u, u]), A_ub=rows, b_ub=limits, bounds=(None, None))
        if answer.status == 3:
            return np.inf, np.array([[np.inf, np.inf], [-np.inf, -np.inf]])
        v = answer.x[:2] - answer.x[2:]
        if np.linalg.norm(v) <= reached * (1 + 1e-9):
            return reached, answer.x.reshape(2, 2)
        reached, u = np.linalg.norm(v), v / np.linalg.norm(v)
