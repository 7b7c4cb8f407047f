r"""Beyond the sample: which cell would lower the optimum, the cells taken in, and the global optimum certified.

The dual of the program over *all* patterns, which is also a lower bound of the nonconvex training problem for every
width, maximises :math:`-L^*(-\lambda)` over :math:`\max_{\|u\|\le 1}|\lambda^\top (Xu)_+| \le \beta`. Its left side is the
*price* of :math:`\lambda`: a cell where it exceeds beta lowers the optimum, and if none does, the optimum is global.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from robustnn_core import blas, checks, streams
from robustnn_core.convex import gradient, losses, program, rounding, theory, training
from robustnn_core.convex import patterns as _patterns
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import Fit

__all__ = ["Price", "Refined", "price", "refine"]

#: A relative gap above which a solve counts as broken: its dual prices nothing.
BROKEN = 0.1
#: The reasons to stop that are not for want of rounds or time.
DONE = ("certified", "no neuron dearer than beta was found", "the last round gained less than tol")
#: How many neurons a descent takes in.
COLUMNS = 20


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


@dataclass(frozen=True, eq=False)
class Refined(Fit):
    """A :class:`Fit` of the patterns found, with what is known of the nonconvex problem.

    Attributes
    ----------
    globally_optimal : bool
        Every unit was priced and (objective - nonconvex_lower_bound) <= tol max(|objective|, 1e-12 L(0, y)): no net of
        any width has a smaller regularised loss (up to tol).
    nonconvex_lower_bound : float
        No net of any width is below it; -inf if not every cell was priced.
    price : float
        Largest price found at this fit's dual point; above beta there is more to gain.
    rounds : int
        Solves.
    trace : ndarray, shape (K, 3)
        Seconds, the regularised loss of the best net so far and the number of patterns (of units) tried, after each
        descent and each solve.
    stopped : str
        Why: ``"certified"``, ``"rounds ran out"``, ``"time ran out"``, ``"no neuron dearer than beta was found"``,
        ``"the last round gained less than tol"`` or that a solve broke off.
    """

    globally_optimal: bool = False
    nonconvex_lower_bound: float = -np.inf
    price: float = np.inf
    rounds: int = 0
    trace: np.ndarray = None
    stopped: str = ""


def price(X, dual, beta, *, seed=None, starts=64, gates=None, exhaustive=False, patterns=None, limit=50_000):
    r"""Look for neurons with a large :math:`|\lambda^\top (Xu)_+|`, |u| = 1.

    Local: from each start an ascent along great circles. On a circle the function is piecewise a sinusoid; the walk
    passes from piece to piece up to the first local maximum, which is exact, so no step can lower the value. At a
    concave kink the ascent goes on along the hyperplane of the kink.
    Exhaustive: in a cell the function is linear, :math:`g^\top u`, and its maximum is the norm of the projection of g
    on the cone, a nonnegative least-squares problem, whose multipliers :math:`\mu \ge 0` bound it from above by
    :math:`\|g + X^\top E\mu\|`. The bound holds for every unit and in exact arithmetic. Where the list of cells lacks
    one (points so nearly parallel that floating point does not hold it), the units there are those of a neighbour
    that miss its signs by a thickness :math:`\tau_k|x_k|`, which :func:`_cover` proves, and
    :math:`\sum_k(|\lambda_k| + \mu_k)\tau_k|x_k|` is added.

    Parameters
    ----------
    X : array_like, shape (n, d)
    dual : array_like, shape (n,)
    beta : float > 0
    seed : int or tuple
        Of the random starts: needed unless cells are priced one by one.
    starts : int >= 1
        Random starts; the points themselves and ``gates`` (d, m) are started from as well.
    exhaustive : bool
        Price every cell; refused above ``limit`` of them (see :func:`~robustnn_core.convex.patterns.enumerate_patterns`).
    patterns : Patterns, optional
        Price these cells, one by one. ``bound`` is then a bound for them only.

    Examples
    --------
    >>> found = price([[1.0, 0.0], [0.0, 1.0]], [1.0, -0.5], 0.9, seed=0, exhaustive=True)
    >>> round(found.value, 12), round(found.bound, 12), found.exceeds  # the unit (1, 0) sees the first point only
    (1.0, 1.0, True)
    """
    X = checks.array(X, "X", shape=("n", "d"))
    lam = checks.array(dual, "dual", shape=(len(X),))
    beta = checks.number(beta, "beta", above=0.0)
    starts = checks.integer(starts, "starts", at_least=1)
    if gates is not None:
        gates = checks.array(gates, "gates", shape=(X.shape[1], "m"))
    if patterns is not None:
        return _price_all(X, lam, beta, _patterns._checked(X, patterns, 0.0)[1], 0.0)
    if exhaustive:
        every = _patterns.enumerate_patterns(X, limit=limit)
        return _price_all(X, lam, beta, every, _cover(X, every))
    if seed is None:
        raise ValueError("seed = None; the search starts at random, so give a seed (or exhaustive=True, or patterns)")
    return _price_local(X, lam, beta, streams.generator(seed), starts, gates)


def _price_local(X, lam, beta, rng, starts, gates, points=True):
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
    keep, known = [], set()
    for i, key in enumerate(_patterns._keys(active)):
        if key not in known:
            known.add(key)
            keep.append(i)
    values = np.maximum(values[order][keep], 0.0)
    total = float(np.abs(lam) @ np.linalg.norm(X, axis=1))
    value = max(float(values[0]) - rounding.roundoff(sum(X.shape), total), 0.0)
    signs = np.where(order[keep] < len(U), 1.0, -1.0)
    return Price(value, np.inf, value > beta, values, np.ascontiguousarray(ends[order][keep].T), active[:, keep], signs)


def _cover(X, every):
    """How far the listed cells must be widened so that no unit is left out: slack (n, count + 1), of |x_k| |u|.

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


def _price_all(X, lam, beta, every, slack):
    """Cell by cell; ``slack`` (n, count + 1) of :func:`_cover`, or 0."""
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
    X,
    y,
    fit,
    *,
    seed,
    rounds=20,
    tol=1e-4,
    starts=64,
    columns=40,
    exhaustive_limit=2000,
    descents=8,
    steps=1000,
    max_seconds=np.inf,
    fit_function=None,
):
    """Lower the optimum by patterns that the sample missed, priced by the dual.

    Few cells (``arrangement_count`` at most ``exhaustive_limit``): each round takes up to ``columns`` of the dearest,
    local maxima of the price, started from random directions, from the points and from the units of the net, and the
    cells around each unit: the points it nearly ties are put on both sides, all together and one by one. Patterns
    whose blocks are zero are dropped, those in use stay, so the optimum never rises. When nothing dearer than
    beta is found all cells are priced: that certifies the global optimum of the nonconvex problem, or finds what was
    missing.

    Many cells: a round takes up to ``descents`` times the dearest neurons into the net and lets all units move
    across cells by ``steps`` of Adam on the regularised loss; then the program with the cells in which the best of
    these nets ends is solved, so its optimum is at most the loss of that net. A round of this kind that gains nothing is
    followed by one of the first kind; if that gains nothing either, the search stops.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    fit : Fit
        Of this X and y.
    seed : int or tuple
    rounds : int >= 1
        Of at most one solve each.
    tol : float > 0
        Relative gap of the last solves and of the certificate.
    starts, columns : int >= 1
    exhaustive_limit : int >= 0
        Price every cell if ``arrangement_count`` is at most this.
    descents : int >= 0
        0: rounds of the first kind only.
    steps : int >= 1
    max_seconds : float
        Nothing new is begun later; a solve that has begun is finished.
    fit_function : callable, optional
        In place of :func:`~robustnn_core.convex.training.fit`.

    Returns
    -------
    Refined
        Its ``stopped`` says why it went no further. A solve with a relative gap above 0.1 is thrown away: its dual is no guide.

    Warns
    -----
    ConvergenceWarning
        Rounds or time ran out, a solve broke off, or the gap of the last solve is above ``tol``: see ``converged``.

    Examples
    --------
    >>> from robustnn_core.convex import sample_patterns
    >>> X = streams.generator(1).standard_normal((8, 2))
    >>> first = training.fit(X, X[:, 0] ** 2, sample_patterns(X, 2, seed=0), beta=0.1)
    >>> best = refine(X, X[:, 0] ** 2, first, seed=0)
    >>> best.objective <= first.objective, best.globally_optimal, best.stopped
    (True, True, 'certified')
    """
    X, y, objective = program.check_fit(X, y, fit)
    fit, beta = replace(fit, objective=objective), fit.beta
    rounds = checks.integer(rounds, "rounds", at_least=1)
    tol = checks.number(tol, "tol", above=0.0)
    starts = checks.integer(starts, "starts", at_least=1)
    columns = checks.integer(columns, "columns", at_least=1)
    exhaustive_limit = checks.integer(exhaustive_limit, "exhaustive_limit", at_least=0)
    descents = checks.integer(descents, "descents", at_least=0)
    steps = checks.integer(steps, "steps", at_least=1)
    if max_seconds != np.inf:
        max_seconds = checks.number(max_seconds, "max_seconds", above=0.0)
    solve = training.solve if fit_function is None else fit_function
    rng = streams.generator(seed)
    every = None
    if theory.arrangement_count(len(X), np.linalg.matrix_rank(X)) <= exhaustive_limit:
        every = _patterns.enumerate_patterns(X, limit=exhaustive_limit)
        slack = _cover(X, every)
    begin = time.perf_counter()
    nothing = fit.loss.value(np.zeros(len(y)), y)
    if every is not None:
        descents = 0
    current, best, done = fit, fit, 0
    coarse = max(tol, 1e-2) if not descents else tol
    fine = tol / 10.0 if every is not None else tol  # the certificate needs room for the price
    trace = [(0.0, fit.objective, fit.patterns.count)]
    lower, dearest, by_descent = -np.inf, np.inf, descents > 0

    def late():
        return time.perf_counter() - begin >= max_seconds

    if not current.gap <= BROKEN:
        again = solve(X, y, fit.patterns, beta=beta, loss=fit.loss, tol=1e-2)
        current = again if again.gap < current.gap else current
        best = current if current.objective <= best.objective else best
    while True:
        if not current.gap <= BROKEN:
            stopped = f"a solve broke off at a relative gap of {current.gap:.2g}"
            break
        units = _units(current)
        found = _price_local(X, current.dual, beta, rng, starts, units if units.size else None, points=not descents)
        precise = current.gap <= fine or coarse <= fine
        if precise and every is not None and found.value <= beta * (1.0 + tol):
            found = _price_all(X, current.dual, beta, every, slack)
            theta = min(1.0, (1.0 - 4.0 * rounding.UNIT) * beta / found.bound) if found.bound > 0.0 else 1.0
            lower = max(lower, current.loss.scale(current.dual, y, theta)[1])
        dearest = found.value if current is best else dearest
        if program.relative_gap(best.objective, lower, fit.loss, y) <= tol:
            stopped = "certified"
        elif done == rounds:
            stopped = "rounds ran out"
        elif late():
            stopped = "time ran out"
        else:
            stopped = ""
        if stopped:
            break
        dear = 1e-7 if every is not None else 0.1 * tol
        made = None
        if by_descent:
            net, value = _descended(
                X, y, current, found, rng, starts, descents, steps, late, begin, trace, best.objective
            )
            if value < best.objective:
                active, gates = _centred(X, *_patterns._made(X, net[0].T))
                made = active, gates
            else:
                by_descent = False
        if made is None:
            extra = _columns(X, current, units, found, beta * (1.0 + dear), columns)
            if extra is None:
                if precise:
                    stopped = "no neuron dearer than beta was found"
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
        new = solve(X, y, Patterns(active, gates), beta=beta, loss=current.loss, tol=coarse)
        done += 1
        if not new.gap <= BROKEN:  # once more, for less
            new = solve(X, y, Patterns(active, gates), beta=beta, loss=current.loss, tol=1e-2)
        trace.append((time.perf_counter() - begin, min(best.objective, new.objective), new.patterns.count))
        if not new.gap <= BROKEN:
            stopped = f"a solve broke off at a relative gap of {new.gap:.2g}"
            break
        gain = best.objective - new.objective
        current = new
        if descents:
            if gain <= tol * max(abs(best.objective), 1e-12 * nothing):
                if made is None:
                    best = current if gain >= 0.0 else best
                    stopped = "the last round gained less than tol"
                    break
                by_descent = False
                current = current if gain >= 0.0 else best
            else:
                by_descent = True
        elif before - current.objective < 3.0 * coarse * abs(before):
            coarse = max(fine, 0.1 * coarse)
        if current.objective <= best.objective:
            best = current
    if best is not current or dearest == np.inf or descents:  # with many cells once more, from the points as well
        units = _units(best)
        again = _price_local(X, best.dual, beta, rng, starts, units if units.size else None)
        dearest = max(again.value, dearest if best is current and dearest < np.inf else 0.0)
    names = [name for name in Fit.__dataclass_fields__ if name != "converged"]
    lower = program.below(lower, best.objective)
    converged = stopped in DONE and (stopped == "certified" or best.gap <= tol)
    if not converged:
        reached = f"{stopped} after {done} rounds, gap {best.gap:.2g}"
        checks.warn_unconverged(
            "convex.refine", reached, f"no dearer neuron and gap = {tol:.2g}", "raise rounds, max_seconds or tol"
        )
    return Refined(
        **{name: getattr(best, name) for name in names},
        converged=converged,
        globally_optimal=bool(program.relative_gap(best.objective, lower, fit.loss, y) <= tol),
        nonconvex_lower_bound=lower,
        price=dearest,
        rounds=done,
        trace=np.array(trace),
        stopped=stopped,
    )


def _units(fit):
    """The blocks that are not nothing, (d, K)."""
    units = np.concatenate([fit.v, fit.w], axis=1)
    size = np.linalg.norm(units, axis=0)
    return units[:, size > 1e-7 * max(size.max(), 1e-300)]


def _descended(X, y, fit, found, rng, starts, descents, steps, late, begin, trace, goal):
    """Units (K, d) and signs of the best net on the way, and its regularised loss."""
    loss, beta, W, s = fit.loss, fit.beta, fit.net.weights, fit.net.signs
    lam, best = fit.dual, (None, np.inf)
    still, none = np.zeros(X.shape[1]), streams.states(0, 1)[0]
    loss = losses.get(loss)
    curve = loss.bend(len(X))
    with blas.single_thread():
        for k in range(descents):
            length = np.linalg.norm(W, axis=1)
            keep = length > 1e-3 * length.max()
            W, s, length = W[keep], s[keep], length[keep]
            if k:
                found = _price_local(X, lam, beta, rng, starts, W.T if len(W) else None, points=False)
            dear = np.flatnonzero(found.values > beta * (1.0 + 1e-4))[:COLUMNS]
            U, side = found.gates[:, dear].T, found.signs[dear]
            # each new unit gets its share of the length that would be best for it alone
            t = (found.values[dear] - beta) / (curve * (np.maximum(X @ U.T, 0.0) ** 2).sum(axis=0) * max(1, len(dear)))
            U = np.concatenate([W / np.sqrt(length)[:, None], np.sqrt(t)[:, None] * U])
            alpha = np.concatenate([s * np.sqrt(length), side * np.sqrt(t)])
            if not len(U):
                break
            # a rate that goes with the size of the weights, in whatever units the data are
            rate = 0.1 * np.sqrt((U**2).sum(axis=1).mean() / X.shape[1])
            start = np.ascontiguousarray(U)
            U, alpha, _ = gradient.descend(X, y, start, alpha, still, beta, loss, None, steps, rate, 1, none)
            W, s = np.abs(alpha)[:, None] * U, np.where(alpha < 0.0, -1.0, 1.0)
            length = np.linalg.norm(W, axis=1)
            keep = length > 1e-3 * length.max()
            W, s = W[keep], s[keep]
            p = np.maximum(X @ W.T, 0.0) @ s
            value = losses.get(loss).value(p, y) + beta * float(length[keep].sum())
            trace.append((time.perf_counter() - begin, min(goal, best[1], value), len(W)))
            lam = -loss.slope(p, y)
            stuck = value > best[1] * (1.0 - 3e-4)
            if value < best[1]:
                best = (W, s), value
            if stuck or late():
                break
    return best


def _centred(X, active, gates):
    """Distinct patterns with central gates; those that see no point and cells that are hardly open are left out."""
    seen = (X != 0.0).any(axis=1)
    keep, known = [], set()
    for i, key in enumerate(_patterns._keys(active)):
        if key not in known and active[seen, i].any():
            known.add(key)
            keep.append(i)
    active, A = active[:, keep], gates[:, keep].T
    if not keep:
        return active, A.T
    Z = X[seen] / np.linalg.norm(X[seen], axis=1)[:, None]
    E = 2.0 * active[seen].T - 1.0
    with blas.single_thread():
        A = _patterns._central(Z, E, A)
    good = (E * (A @ Z.T)).min(axis=1) > 1e-9
    return active[:, good], np.ascontiguousarray(A[good].T)


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
    g = blas.product(X.T, signed)
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
    active, gates = _centred(X, active[:, chosen], gates[:, chosen])
    return (active, gates) if active.shape[1] else None


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
