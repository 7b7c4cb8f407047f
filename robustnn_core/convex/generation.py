r"""Beyond the sample: which cell would lower the optimum, the cells taken in, and the global optimum certified.

The dual of the program over *all* patterns, which is also a lower bound of the nonconvex training problem for every
width, maximises :math:`-L^*(-\lambda)` over :math:`\max_{\|u\|\le 1}|\lambda^\top (Xu)_+| \le \beta`. Its left side is the
*price* of :math:`\lambda`: a cell where it exceeds beta lowers the optimum, and if none does, the optimum is global.
"""

import time
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.optimize import nnls

from robustnn_core import checks, products, streams
from robustnn_core.convex import patterns as _patterns
from robustnn_core.convex import program, theory, training
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import Fit

__all__ = ["Price", "Refined", "price", "refine"]


@dataclass(frozen=True, eq=False)
class Price:
    """The dearest neurons found for a dual point.

    Attributes
    ----------
    value : float
        The largest :math:`|\\lambda^\\top (Xu)_+|` found, |u| = 1: a lower bound of the price.
    bound : float
        An upper bound of the price, +inf unless every cell was looked at.
    exceeds : bool
        value > beta.
    values : ndarray, shape (K,)
        Of the distinct local maxima, decreasing.
    gates : ndarray, shape (d, K)
        Unit vectors, where they are attained.
    active : ndarray of bool, shape (n, K)
        Their patterns, distinct. ``active`` and a gate on a boundary of its cell agree up to rounding.
    """

    value: float
    bound: float
    exceeds: bool
    values: np.ndarray
    gates: np.ndarray
    active: np.ndarray


@dataclass(frozen=True, eq=False)
class Refined(Fit):
    """A :class:`Fit` of the patterns found, with what is known of the nonconvex problem.

    Attributes
    ----------
    globally_optimal : bool
        Every cell was priced and (objective - nonconvex_lower_bound) <= tol |objective|: no net of any width has a
        smaller regularised loss (up to tol).
    nonconvex_lower_bound : float
        No net of any width is below it; -inf if not every cell was priced.
    price : float
        Largest price found at the last dual point.
    rounds : int
    trace : ndarray, shape (rounds + 1, 3)
        Seconds, objective and number of patterns after each round.
    """

    globally_optimal: bool = False
    nonconvex_lower_bound: float = -np.inf
    price: float = np.inf
    rounds: int = 0
    trace: np.ndarray = None


def price(X, dual, beta, *, seed, starts=64, gates=None, exhaustive=False, limit=50_000):
    r"""Look for neurons with a large :math:`|\lambda^\top (Xu)_+|`, |u| = 1.

    Local: from each start an ascent along great circles. On a circle the function is piecewise a sinusoid; the walk
    passes from piece to piece up to the first local maximum, which is exact, so no step can lower the value. At a
    concave kink the ascent goes on along the hyperplane of the kink.
    Exhaustive: in a cell the function is linear, :math:`g^\top u`, and its maximum is the norm of the projection of g
    on the cone, a nonnegative least-squares problem, whose multipliers :math:`\mu \ge 0` bound it from above by
    :math:`\|g + X^\top E\mu\|`.

    Parameters
    ----------
    X : array_like, shape (n, d)
    dual : array_like, shape (n,)
    beta : float > 0
    seed : int or tuple
    starts : int >= 1
        Random starts; the points themselves and ``gates`` (d, m) are started from as well.
    exhaustive : bool
        Price every cell; refused above ``limit`` of them (see :func:`~robustnn_core.convex.patterns.enumerate_patterns`).

    Examples
    --------
    >>> found = price([[1.0, 0.0], [0.0, 1.0]], [1.0, -0.5], 0.9, seed=0, exhaustive=True)
    >>> found.value, found.bound, found.exceeds  # the unit (1, 0) sees the first point only
    (1.0, 1.0, True)
    """
    X = checks.array(X, "X", shape=("n", "d"))
    lam = checks.array(dual, "dual", shape=(len(X),))
    beta = checks.number(beta, "beta", above=0.0)
    starts = checks.integer(starts, "starts", at_least=1)
    if gates is not None:
        gates = checks.array(gates, "gates", shape=(X.shape[1], "m"))
    if exhaustive:
        return _price_all(X, lam, beta, _patterns.enumerate_patterns(X, limit=limit))
    return _price_local(X, lam, beta, streams.generator(seed), starts, gates)


def _price_local(X, lam, beta, rng, starts, gates):
    U = [rng.standard_normal((starts, X.shape[1])), X, -X]
    if gates is not None:
        U.append(gates.T)
    U = np.concatenate(U)
    size = np.linalg.norm(U, axis=1)
    U = np.ascontiguousarray(U[size > 0.0] / size[size > 0.0, None])
    ends = np.concatenate([U, U])
    values = np.empty(len(ends))
    with products._controller().limit(limits=1, user_api="blas"):
        _climb_all(X, lam, ends[: len(U)], values[: len(U)], 200)
        _climb_all(X, -lam, ends[len(U) :], values[len(U) :], 200)
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0.0]
    if not len(order):
        order = np.zeros(1, dtype=int)
    active = products.product(X, ends[order].T) >= 0.0
    keep, known = [], set()
    for i, key in enumerate(_patterns._keys(active)):
        if key not in known:
            known.add(key)
            keep.append(i)
    values = np.maximum(values[order][keep], 0.0)
    value = float(values[0])
    return Price(value, np.inf, value > beta, values, np.ascontiguousarray(ends[order][keep].T), active[:, keep])


def _price_all(X, lam, beta, every):
    n, d = X.shape
    values, gates, bound = np.zeros(every.count), np.empty((d, every.count)), 0.0
    for i in range(every.count):
        on = every.active[:, i]
        rows = np.where(on, 1.0, -1.0)[:, None] * X
        for sign in (1.0, -1.0):
            g = sign * (lam[on] @ X[on])
            if (size := np.linalg.norm(g)) <= values[i]:
                bound = max(bound, size)
                continue
            try:
                mu = nnls(rows.T, -g)[0]
            except RuntimeError:  # its iterations ran out: mu = 0 is a bound too
                mu = np.zeros(n)
            u = g + rows.T @ mu
            size = np.linalg.norm(u)
            bound = max(bound, size)
            if size > values[i]:
                values[i], gates[:, i] = size, u / size
    silent = values == 0.0
    gates[:, silent] = every.gates[:, silent]
    # the value is what the unit vector really gets, so it is below the price whatever the rounding
    got = np.abs(lam @ np.maximum(X @ gates, 0.0)) / np.linalg.norm(gates, axis=0)
    order = np.argsort(-values, kind="stable")
    value = float(got.max())
    bound = max(bound, value)
    return Price(value, float(bound), value > beta, values[order], np.ascontiguousarray(gates[:, order]), every.active[:, order])


@njit(cache=True)
def _climb_all(X, lam, U, values, steps):
    for i in range(U.shape[0]):
        values[i] = _climb(X, lam, U[i], steps)


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
        # on u + t p the function is (A + B t) / sqrt(1 + t^2), and its slope has the sign of B - A t
        A, B = value, g @ p
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


# ---------------------------------------------------------------------------------------------------


def refine(
    X, y, fit, *, seed, rounds=20, tol=1e-4, starts=64, columns=40, exhaustive_limit=2000, max_seconds=np.inf, fit_function=None
):
    """Lower the optimum by patterns that the sample missed: refresh with ties, then columns priced by the dual.

    Each round takes up to ``columns`` of the dearest cells: local maxima of the price, started from random
    directions, from the points and from the units of the net, and the cells around each unit: the points it nearly
    ties are put on both sides, all together and one by one. Patterns whose blocks are zero are dropped, those in use
    stay, so the optimum never rises. When nothing is dearer than beta and the cells are few, all of them are
    priced: that certifies the global optimum of the nonconvex problem, or finds what was missing.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    fit : Fit
        Of this X and y.
    seed : int or tuple
    rounds : int >= 1
    tol : float > 0
        Relative gap of the solves of the last rounds and of the certificate; the first rounds are solved to 1e-2.
    starts, columns : int >= 1
    exhaustive_limit : int >= 0
        Price every cell if ``arrangement_count`` is at most this.
    max_seconds : float
        No round starts later.
    fit_function : callable, optional
        In place of :func:`~robustnn_core.convex.training.fit`.

    Returns
    -------
    Refined

    Examples
    --------
    >>> from robustnn_core.convex import sample_patterns
    >>> X = streams.generator(1).standard_normal((8, 2))
    >>> first = training.fit(X, X[:, 0] ** 2, sample_patterns(X, 2, seed=0), beta=0.1)
    >>> best = refine(X, X[:, 0] ** 2, first, seed=0)
    >>> best.objective <= first.objective, best.globally_optimal
    (True, True)
    """
    if not isinstance(fit, Fit):
        raise ValueError(f"fit = {fit!r} must be a Fit; make it by convex.fit(X, y, patterns, beta=...)")
    X, y, beta = program.check_problem(X, y, fit.patterns, fit.beta, fit.loss)
    rounds = checks.integer(rounds, "rounds", at_least=1)
    tol = checks.number(tol, "tol", above=0.0)
    starts = checks.integer(starts, "starts", at_least=1)
    columns = checks.integer(columns, "columns", at_least=1)
    exhaustive_limit = checks.integer(exhaustive_limit, "exhaustive_limit", at_least=0)
    if max_seconds != np.inf:
        max_seconds = checks.number(max_seconds, "max_seconds", above=0.0)
    solve = training.fit if fit_function is None else fit_function
    rng = streams.generator(seed)
    every = None
    if theory.arrangement_count(len(X), np.linalg.matrix_rank(X)) <= exhaustive_limit:
        every = _patterns.enumerate_patterns(X, limit=exhaustive_limit)
    begin = time.perf_counter()
    current, best, coarse = fit, fit, max(tol, 1e-2)
    trace = [(0.0, fit.objective, fit.patterns.count)]
    lower, dearest, done = -np.inf, np.inf, 0
    fine = tol / 10.0 if every is not None else tol  # the certificate needs room for the price
    while True:
        units = np.concatenate([current.v, current.w], axis=1)
        units = units[:, np.linalg.norm(units, axis=0) > 1e-7 * max(np.linalg.norm(units, axis=0).max(), 1e-300)]
        found = _price_local(X, current.dual, beta, rng, starts, units if units.size else None)
        dearest = found.value
        precise = current.gap <= fine or coarse <= fine
        if precise and every is not None and dearest <= beta * (1.0 + tol):
            found = _price_all(X, current.dual, beta, every)
            dearest = found.value
            theta = min(1.0, beta / found.bound) if found.bound > 0.0 else 1.0
            lower = max(lower, program.best_scale(current.loss, current.dual, y, theta)[1])
        certified = best.objective - lower <= tol * abs(best.objective)
        if certified or done == rounds or time.perf_counter() - begin >= max_seconds:
            break
        slack = 1e-7 if every is not None else 0.1 * tol
        extra = _columns(X, current, units, found, beta * (1.0 + slack), columns)
        if extra is None:
            if precise:
                break
            extra = (np.zeros((len(X), 0), dtype=bool), np.zeros((X.shape[1], 0)))
            coarse = fine
        block = np.linalg.norm(current.v, axis=0) + np.linalg.norm(current.w, axis=0)
        keep = block > 1e-7 * max(block.max(), 1e-300)
        active = np.column_stack([current.patterns.active[:, keep], extra[0]])
        gates = np.column_stack([current.patterns.gates[:, keep], extra[1]])
        if not active.shape[1]:  # the zero net is optimal and nothing is dearer than beta
            active, gates = current.patterns.active, current.patterns.gates
        before = current.objective
        current = solve(X, y, Patterns(active, gates), beta=beta, loss=current.loss, tol=coarse)
        done += 1
        if before - current.objective < 3.0 * coarse * abs(before):
            coarse = max(fine, 0.1 * coarse)
        if current.objective <= best.objective:
            best = current
        trace.append((time.perf_counter() - begin, best.objective, current.patterns.count))
    names = Fit.__dataclass_fields__
    lower = min(lower, best.objective)
    return Refined(
        **{name: getattr(best, name) for name in names},
        globally_optimal=bool(best.objective - lower <= tol * abs(best.objective)),
        nonconvex_lower_bound=lower, price=dearest, rounds=done, trace=np.array(trace),
    )


def _columns(X, current, units, found, threshold, columns):
    """The new patterns to take in: (active, gates), or None."""
    size = np.linalg.norm(X, axis=1)
    candidates = [_nudged(X, size, u) for u in found.gates[:, (found.values > threshold)][:, : 4 * columns].T]
    candidates = [gate[None] for gate in candidates if gate is not None]
    candidates += [_around(X, size, u) for u in units.T]
    if not candidates:
        return None
    G = np.concatenate(candidates).T
    active, gates = _patterns._made(X, G)
    # the price of a cell from below: the ascent inside it, one step to g and its value there if the cell is kept
    signed = current.dual[:, None] * active
    g = products.product(X.T, signed)
    worth = np.linalg.norm(g, axis=0)  # from above: a cell at most beta cannot lower anything
    known = set(_patterns._keys(current.patterns.active))
    keys = _patterns._keys(active)
    chosen = []
    lead = int((found.values > threshold).sum())
    for i in range(active.shape[1]):
        seen = active[size > 0.0, i].any()
        if keys[i] in known or not seen or worth[i] <= threshold:
            continue
        known.add(keys[i])
        chosen.append(i)
        if len(chosen) == (columns if i < lead else 2 * columns):
            break
    if lead == 0 or not chosen:  # nothing dearer than beta was found: the cells around the units add nothing either
        return None
    # the solver starts inside every cell: gates beside a hyperplane are replaced by central ones
    central = [_patterns._inside(X, active[:, i]) for i in chosen]
    pairs = [(i, gate) for i, gate in zip(chosen, central) if gate is not None]
    if not pairs:
        return None
    return active[:, [i for i, _ in pairs]], np.column_stack([gate for _, gate in pairs])


def _nudged(X, size, u):
    """A gate of the cell of the closed pattern of u (points on its hyperplane active) or of a cell beside it."""
    z = X @ u
    close = (np.abs(z) <= 1e-9 * size) & (size > 0.0)
    if not close.any():
        return u
    push = np.linalg.lstsq(X[close], np.where(z[close] >= 0.0, 1.0, -1.0) * size[close], rcond=None)[0]
    return _moved(X, size, u, z, close, push)


def _moved(X, size, u, z, close, push):
    """u moved along ``push`` half as far as the first other point allows."""
    far = ~close & (size > 0.0)
    move = X[far] @ push
    limit = np.abs(z[far]) / np.maximum(np.abs(move), 1e-300)
    step = min(0.5 * (limit.min() if len(limit) else 1.0), np.linalg.norm(u) / max(np.linalg.norm(push), 1e-300))
    return u + step * push


def _around(X, size, u):
    """Gates around a unit: near ties all on, all off, and each one flipped."""
    u = u / np.linalg.norm(u)
    z = X @ u
    close = (np.abs(z) <= 1e-5 * size) & (size > 0.0)
    ties = np.flatnonzero(close)
    if not len(ties) or len(ties) > X.shape[1]:
        return u[None]
    inverse = np.linalg.pinv(X[ties])
    base = u - inverse @ z[ties]  # on all the hyperplanes
    wanted = np.ones((2 + 2 * len(ties), len(ties)))
    wanted[1] = -1.0
    for j in range(len(ties)):
        wanted[2 + j, j] = -1.0
        wanted[2 + len(ties) + j] = -1.0
        wanted[2 + len(ties) + j, j] = 1.0
    z = X @ base
    return np.array([_moved(X, size, base, z, close, inverse @ (w * size[ties])) for w in wanted])
