r"""The price of a dual point: which unit, of any cell, would lower the optimum.

The dual of the program over *all* patterns, which is also a lower bound of the nonconvex training problem for every
width, maximises :math:`-L^*(-\lambda)` over :math:`\max_{\|u\|\le 1}|\lambda^\top (Xu)_+| \le \beta`. Its left side is
the *price* of :math:`\lambda`: a cell where it exceeds beta lowers the optimum; if none does, the optimum is global.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from robustnn_core import blas, checks, streams
from robustnn_core.convex import program, rounding
from robustnn_core.convex.arrangement import enumerate_patterns
from robustnn_core.convex.patterns import check_patterns, distinct

__all__ = ["Price", "cover", "price", "price_all", "price_local"]


@dataclass(frozen=True, eq=False)
class Price:
    """The dearest neurons found for a dual point.

    Attributes
    ----------
    value : float
        The largest :math:`|\\lambda^\\top (Xu)_+|` found, |u| = 1, rounded down: a lower bound of the price.
    bound : float
        An upper bound of the price, rounded up; +inf unless every cell was looked at. The unit of both roundings is
        that of :func:`~robustnn_core.convex.rounding.roundoff`, of :math:`\\sum_k|\\lambda_k||x_k|`.
    exceeds : bool
        value > beta.
    values : ndarray, shape (K,)
        Of the distinct local maxima, decreasing.
    gates : ndarray, shape (d, K)
        Unit vectors, where they are attained.
    active : ndarray of bool, shape (n, K)
        Their patterns, distinct. ``active`` and a gate on a boundary of its cell agree up to rounding.
    signs : ndarray of +-1, shape (K,)
        Of :math:`\\lambda^\\top (Xu)_+`: the sign of the unit to add.
    """

    value: float
    bound: float
    exceeds: bool
    values: np.ndarray
    gates: np.ndarray
    active: np.ndarray
    signs: np.ndarray


def price(X, dual, beta, *, seed=None, starts=64, gates=None, exhaustive=False, patterns=None, limit=50_000):
    r"""Look for neurons with a large :math:`|\lambda^\top (Xu)_+|`, |u| = 1.

    Local: from each start an ascent along great circles. On a circle the function is piecewise a sinusoid; the walk
    passes from piece to piece up to the first local maximum, which is exact, so no step can lower the value. At a
    concave kink the ascent goes on along the hyperplane of the kink.
    Exhaustive: in a cell the function is linear, :math:`g^\top u`, and its maximum is the norm of the projection of g
    on the cone, a nonnegative least-squares problem, whose multipliers :math:`\mu \ge 0` bound it from above by
    :math:`\|g + X^\top E\mu\|`. The bound holds for every unit and in exact arithmetic. Where the list of cells lacks
    one (points so nearly parallel that floating point does not hold it), the units there are those of a neighbour
    that miss its signs by a thickness :math:`\tau_k|x_k|`, which :func:`cover` proves, and
    :math:`\sum_k(|\lambda_k| + \mu_k)\tau_k|x_k|` is added.

    Parameters
    ----------
    X : array_like, shape (n, d)
    dual : array_like, shape (n,)
    beta : float > 0
    seed : int, tuple or numpy Generator
        Of the random starts: needed unless cells are priced one by one.
    starts : int >= 1
        Random starts; the points themselves and ``gates`` (d, m) are started from as well.
    exhaustive : bool
        Price every cell; refused above ``limit`` of them
        (see :func:`~robustnn_core.convex.arrangement.enumerate_patterns`).
    patterns : Patterns, optional
        Price these cells, one by one. ``bound`` is then a bound for them only.

    Examples
    --------
    >>> from robustnn_core.convex import price
    >>> found = price([[1.0, 0.0], [0.0, 1.0]], [1.0, -0.5], 0.9, seed=0, exhaustive=True)
    >>> round(found.value, 12), round(found.bound, 12), found.exceeds  # the unit (1, 0) sees the first point only
    (1.0, 1.0, True)
    """
    X = checks.array(X, "X", shape=("n", "d"))
    lam = checks.array(dual, "dual", shape=(len(X),))
    beta = checks.number(beta, "beta", above=0.0)
    program.check_sizes({"a row of X": np.abs(X).max(axis=1), "dual": np.abs(lam).max()})
    starts = checks.integer(starts, "starts", at_least=1)
    if gates is not None:
        gates = checks.array(gates, "gates", shape=(X.shape[1], "m"))
    if patterns is not None:
        check_patterns(X, patterns)
        return price_all(X, lam, beta, patterns, 0.0)
    if exhaustive:
        every = enumerate_patterns(X, limit=limit)
        return price_all(X, lam, beta, every, cover(X, every))
    if seed is None:
        raise ValueError("seed = None; the search starts at random, so give a seed (or exhaustive=True, or patterns)")
    return price_local(X, lam, beta, streams.generator(seed), starts, gates)


def price_local(X, lam, beta, rng, starts, gates, points=True):
    """Return the :class:`Price` that the ascents find; ``points``: from the data points as well."""
    U = [rng.standard_normal((starts, X.shape[1]))]
    if points:
        U += [X, -X]
    if gates is not None:
        U.append(gates.T)
    U = np.concatenate(U)
    size = np.linalg.norm(U, axis=1)
    U = np.ascontiguousarray(U[size > 0.0] / size[size > 0.0, None])
    ends = np.concatenate([U, U])
    values = np.empty(len(ends))
    with blas.single_thread():
        _climb_all(X, lam, ends[: len(U)], values[: len(U)], 200)
        _climb_all(X, -lam, ends[len(U) :], values[len(U) :], 200)
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0.0]
    if not len(order):
        order = np.zeros(1, dtype=int)
    active = blas.product(X, ends[order].T) >= 0.0
    keep = distinct(active)
    values = np.maximum(values[order][keep], 0.0)
    total = float(np.abs(lam) @ np.linalg.norm(X, axis=1))
    value = max(float(values[0]) - rounding.roundoff(sum(X.shape), total), 0.0)
    signs = np.where(order[keep] < len(U), 1.0, -1.0)
    return Price(value, np.inf, value > beta, values, np.ascontiguousarray(ends[order][keep].T), active[:, keep], signs)


def cover(X, every):
    """Return how far the listed cells must be widened so that no unit is left out, (n, count + 1), of |x_k| |u|.

    Every u lies in a cell of the list, the last one being "sees nothing", up to E_k x_k.u >= -slack_k |x_k| |u|. Shown
    by splitting, one point after the other: a set of signs of the first k points that the list continues in one way
    only is a cone K on which the next point x keeps its sign, so +-x = sum_j mu_j E_j x_j with mu >= 0. What
    such multipliers leave, with their rounding, is the slack: nothing but rounding where the list is complete, and
    the thickness of what it lacks where it is not.
    """
    seen = np.flatnonzero((X != 0.0).any(axis=1))
    Z = X[seen] / np.linalg.norm(X[seen], axis=1)[:, None]
    signs = np.where(np.column_stack([every.active[seen], np.zeros(len(seen), dtype=bool)]), 1.0, -1.0).T
    slack = np.zeros((len(signs), len(seen)))
    group, known = np.zeros(len(signs), dtype=np.int64), {}
    for k in range(len(seen)):
        sign = signs[:, k]
        count = group.max() + 1
        up, down = np.bincount(group, sign > 0.0, count) > 0.0, np.bincount(group, sign < 0.0, count) > 0.0
        first = np.full(count, len(signs))
        np.minimum.at(first, group, np.arange(len(signs)))
        wide = np.zeros(count)
        for g in np.flatnonzero(up != down):
            leaf = first[g]
            rows = sign[leaf] * signs[leaf, :k]  # the mirror image has the same multipliers
            key = (k, np.packbits(rows > 0.0).tobytes())
            if key not in known:
                A = rows[:, None] * Z[:k]
                mu = program.project(A, -Z[k]) if k else np.zeros(0)
                left = np.linalg.norm(mu @ A - Z[k])
                known[key] = mu, left + rounding.roundoff(k + Z.shape[1], 1.0 + mu.sum())
            mu, left = known[key]
            wide[g] = min(1.0, left + mu @ slack[leaf, :k])
        slack[:, k] = wide[group]
        group = np.unique(2 * group + (sign > 0.0), return_inverse=True)[1]
    full = np.zeros((len(X), len(signs)))
    full[seen] = slack.T
    return full


def price_all(X, lam, beta, every, slack):
    """Return the :class:`Price`, cell by cell; ``slack`` (n, count + 1) of :func:`cover`, or 0."""
    n, d = X.shape
    values, gates = np.zeros(every.count), np.empty((d, every.count))
    long = np.linalg.norm(X, axis=1)
    Z = X / np.where(long > 0.0, long, 1.0)[:, None]
    slack = np.broadcast_to(slack, (n, every.count + 1))
    total = float(np.abs(lam) @ long)
    rest = (np.abs(lam) * long) @ slack + rounding.roundoff(n + d, total)  # of multipliers mu = 0
    bound = float(rest[-1])
    for i in range(every.count):
        on = every.active[:, i]
        rows = np.where(on, 1.0, -1.0)[:, None] * Z
        for sign in (1.0, -1.0):
            g = sign * (lam[on] @ X[on])
            size = float(np.linalg.norm(g))
            most = size + rest[i]
            if size > values[i]:
                mu = program.project(rows, g)
                u = g + mu @ rows
                size = float(np.linalg.norm(u))
                most = min(most, size + rest[i] + mu @ slack[:, i] + rounding.roundoff(n + d, mu.sum()))
                if size > values[i]:
                    values[i], gates[:, i] = size, u / size
            bound = max(bound, float(most))
    silent = values == 0.0
    gates[:, silent] = every.gates[:, silent]
    # the value is what the unit vector really gets, so it is below the price whatever the rounding
    got = lam @ np.maximum(X @ gates, 0.0) / np.linalg.norm(gates, axis=0)
    signs = np.where(got < 0.0, -1.0, 1.0)
    order = np.argsort(-values, kind="stable")
    value = max(float(np.abs(got).max()) - rounding.roundoff(n + d, total), 0.0)
    return Price(
        value,
        max(bound, value),
        value > beta,
        values[order],
        np.ascontiguousarray(gates[:, order]),
        every.active[:, order],
        signs[order],
    )


@njit(cache=True)
def _climb_all(X, lam, U, values, steps):
    for i in range(U.shape[0]):
        values[i] = _climb(X, lam, U[i], steps)


@njit(cache=True)
def _first_maximum(lam, z, zp, tied, A, B):
    """Where u + t p first has a maximum, t (inf: nowhere), and the point on whose hyperplane it is (-1: none).

    There the function is (A + B t) / sqrt(1 + t^2), with A and B of the piece, and its slope has the sign of B - A t.
    """
    n = len(z)
    at = np.full(n, np.inf)
    for k in range(n):
        if not tied[k] and zp[k] != 0.0:
            t = -z[k] / zp[k]
            if t > 0.0 or (z[k] == 0.0 and zp[k] > 0.0):
                at[k] = t
    order = np.argsort(at)
    t, kink = B / A, -1
    for j in range(n):
        k = order[j]
        if at[k] >= t:
            break
        if zp[k] > 0.0:
            A += lam[k] * z[k]
            B += lam[k] * zp[k]
        else:
            A -= lam[k] * z[k]
            B -= lam[k] * zp[k]
        if B - A * at[k] <= 0.0:
            t, kink = at[k], k
            break
        t = B / A if A > 0.0 else np.inf
    return t, kink


@njit(cache=True)
def _climb(X, lam, u, steps):
    """Ascend f(u) = sum_k lam_k (x_k.u)_+ on the sphere from ``u`` (changed in place); return f."""
    n, d = X.shape
    tied = np.zeros(n, dtype=np.bool_)
    Q = np.zeros((d, d))
    held = 0
    value = -np.inf
    restarted = False
    for _ in range(steps):
        z = X @ u
        g = np.zeros(d)
        for k in range(n):
            if z[k] > 0.0 and not tied[k]:
                g += lam[k] * X[k]
        value = g @ u
        if value <= 0.0:  # below zero the great circles need not end: start once more from the cell's own ascent
            size = np.sqrt(g @ g)
            if restarted or size == 0.0:
                return value
            restarted = True
            u[:] = g / size
            tied[:] = False
            held = 0
            continue
        p = g - value * u
        for i in range(held):
            p -= (Q[i] @ p) * Q[i]
        p -= (p @ u) * u
        size = np.sqrt(p @ p)
        if size <= 1e-11 * np.sqrt(g @ g):
            break
        p /= size
        zp = X @ p
        t, kink = _first_maximum(lam, z, zp, tied, value, g @ p)
        if t == np.inf:
            break
        u += t * p
        u /= np.sqrt(u @ u)
        if kink >= 0:
            if held >= d - 1:
                break
            q = X[kink].copy()
            for _ in range(2):
                for i in range(held):
                    q -= (Q[i] @ q) * Q[i]
            size = np.sqrt(q @ q)
            if size <= 1e-9 * np.sqrt(X[kink] @ X[kink]):
                break
            tied[kink] = True
            Q[held] = q / size
            held += 1
            u -= (Q[held - 1] @ u) * Q[held - 1]
            u /= np.sqrt(u @ u)
    z = X @ u
    value = 0.0
    for k in range(n):
        if z[k] > 0.0:
            value += lam[k] * z[k]
    return value
