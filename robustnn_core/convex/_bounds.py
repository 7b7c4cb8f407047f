"""The bounds of :mod:`~robustnn_core.convex.verify` for all points: intervals, lines, then a tree at each."""

from dataclasses import dataclass

import numpy as np

from robustnn_core import blas
from robustnn_core.convex._branching import Tree, done
from robustnn_core.convex._moves import descended, length, steepest
from robustnn_core.convex.rounding import roundoff


@dataclass(frozen=True, eq=False)
class Bounds:
    """For every point a bracket of the least value of ``sides * f`` over its box or ball.

    Attributes
    ----------
    low : ndarray, shape (N,)
        Certified: no move makes it smaller. Rounded downwards.
    reached : ndarray, shape (N,)
        Its value at ``X + moves``.
    moves : ndarray, shape (N, d)
    nodes : ndarray of int, shape (N,)
        Linear programs solved (for ``lp`` and ``exact``).
    converged : bool
        What ``exact`` asks: ``reached - low <= tol`` at every point, or, with ``decide``, on one side of it. True for
        the other methods, which promise nothing.
    """

    low: np.ndarray
    reached: np.ndarray
    moves: np.ndarray
    nodes: np.ndarray
    converged: bool


def stable_units(net, X, e, norm):
    return np.abs(blas.product(X, net.weights.T)) >= length(net.weights, e, norm)


def bounds(net, X, sides, e, norm, method, tol, max_nodes, decide):
    U, N = net.weights, len(X)
    Z, reach, A = blas.product(X, U.T), length(U, e, norm), sides[:, None] * net.signs
    low, high = Z - reach, Z + reach
    crossing = (low < 0.0) & (high > 0.0)
    slack = roundoff(U.size, blas.product(np.abs(X) + e, np.abs(U.T)).sum(axis=1))
    if method == "interval":
        value = np.where(A > 0, A * np.maximum(low, 0.0), A * np.maximum(high, 0.0)).sum(axis=1) - slack
        moves = np.zeros_like(X)
        return Bounds(value, sides * net.predict(X), moves, np.zeros(N, dtype=int), True)
    chord = np.divide(high, high - low, out=(Z > 0.0).astype(float), where=crossing)
    shift = np.where(crossing & (A < 0), -chord * low * A, 0.0).sum(axis=1)
    value, moves = np.full(N, -np.inf), np.zeros_like(X)
    for under in (crossing & (high > -low), np.zeros_like(crossing)):
        q = blas.product(A * np.where(crossing & (A > 0), under, chord), U)
        new = (X * q).sum(axis=1) + shift - length(q, e, norm) - slack
        better = new > value
        value[better], moves[better] = new[better], steepest(q, e, norm)[better]
    reached, moves = descended(net, X, sides, e, norm, moves)
    nodes, converged = np.zeros(N, dtype=int), True
    if method in ("lp", "exact"):
        for k in np.flatnonzero(crossing.any(axis=1)):
            if method == "exact" and done(value[k], reached[k], tol, decide):
                continue
            tree = Tree(X[k], U, A[k], e, norm, low[k], high[k])
            best = tree.run(value[k], reached[k], moves[k], 1 if method == "lp" else max_nodes, tol, decide)
            value[k], reached[k], moves[k], nodes[k] = best
            converged &= method == "lp" or done(value[k], reached[k], tol, decide)
    return Bounds(value, reached, moves, nodes, converged)
