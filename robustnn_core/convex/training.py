"""``fit``: the convex program solved to a certified gap."""

import numpy as np

from robustnn_core import blas, checks
from robustnn_core.convex import _plain, admm, cells, interior, losses, program, rounding
from robustnn_core.convex.bracket import Bracket

__all__ = ["fit", "solve"]

METHODS = ("auto", "interior", "admm")

#: Above these sizes the interior point is too dear and ``auto`` takes ADMM: operations an iteration, bytes.
INTERIOR_OPERATIONS = 1e12
INTERIOR_BYTES = 4e9

#: A gate with a margin (a sine) below this starts beside a hyperplane, where the interior point breaks off: it is
#: centred.
BESIDE = 1e-5


def _dearness(n, d, P):
    """Operations an iteration and bytes of the interior point."""
    tall, wide = _plain.operations(n, d, P, True), _plain.operations(n, d, P, False)
    size = 4.0 * P * P * d * d if tall < wide else 10.0 * P * d * d + 2.0 * n * n
    return 2.0 * min(tall, wide), 8.0 * (min(0.5 * n * d * d, _plain.PAIRS) + size + 40.0 * P * n)


def _inside(X, active, gates, central):
    """Return gates (P, d) strictly inside their cones, the widest one where the given one is not.

    ``central``: move those beside a hyperplane towards the middle.
    """
    E = 2.0 * active.T - 1.0
    G = np.array(gates.T)
    size = np.linalg.norm(X, axis=1)
    # relative to the terms of each x.g: what rounding can take, whatever the scales of the columns
    margins = (E * (G @ X.T) / np.maximum(np.abs(G) @ np.abs(X).T, 1e-300)).min(axis=1)
    for i in np.flatnonzero(margins <= 0.5 * cells.MARGIN):  # half: other orders of summation agree
        gate = cells.inside(X, active[:, i])
        if gate is None:
            raise ValueError(
                f"pattern {i} is not the pattern of any gate with no point on its boundary; "
                "remove it by screen_patterns(X, patterns, 0.0)"
            )
        G[i] = gate
    margins = (E * (G @ X.T) / size).min(axis=1) / np.linalg.norm(G, axis=1)
    close = np.flatnonzero(margins <= BESIDE)
    if central and len(close):
        G[close] = cells.central(X / size[:, None], E[close], G[close])
    return np.ascontiguousarray(G)


def fit(X, y, patterns, *, beta, loss="squared", gap=1e-4, max_iter=None, max_seconds=np.inf, method="auto"):
    """Solve the convex program of these patterns to a certified relative gap.

    The units of the columns of X decide what the penalty charges. The solver itself works in columns turned to be
    orthogonal, which leaves every length as it is, and so the penalty exact.

    Parameters
    ----------
    X : array_like, shape (n, d)
        With its column of ones, if the net has a bias.
    y : array_like, shape (n,)
        Labels +-1 for ``hinge`` and ``logistic``.
    patterns : Patterns
    beta : float > 0
    loss : {"squared", "hinge", "logistic"} or losses.Loss
    gap : float > 0
        Wanted: the relative gap between the objective and its certified lower bound, at which to stop.
    max_iter : int, optional
        100 for the interior point, 5000 for ADMM.
    max_seconds : float
        The wall clock is the only thing that can make two runs differ.
    method : {"auto", "interior", "admm"}
        ``interior`` has a cost of P(nd^2 + n^2d) an iteration, or of n(Pd)^2/4 + (Pd)^3/6 if that is less (many
        points), and needs 15 to 60 of them, down to gaps of 1e-6 and below. ``admm`` costs ndP a product, some ten
        products an iteration, and needs many hundreds of iterations for a gap of a few per cent; its bracket is valid
        from the first. ``auto`` takes the interior point while an iteration has at most 1e12 operations and its
        arrays fit into 4 GB.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        Bad data (see :func:`~robustnn_core.convex.program.check_problem`), a pattern that no gate makes.

    Warns
    -----
    ConvergenceWarning
        The gap is above the one asked for: see ``converged``. The bracket is valid all the same.

    Examples
    --------
    >>> from robustnn_core.convex import fit
    >>> from robustnn_core.convex import Patterns
    >>> X = [[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]
    >>> found = fit(X, [1.0, 0.0, 1.0], Patterns([[1, 0], [0, 0], [0, 1]], [[-1.0, 1.0], [-0.5, -0.5]]), beta=0.1)
    >>> found.converged, bool(found.lower_bound <= found.objective)
    (True, True)
    """
    found = solve(
        X,
        y,
        patterns,
        beta=beta,
        loss=loss,
        gap=gap,
        max_iter=max_iter,
        max_seconds=max_seconds,
        method=method,
    )
    if not found.converged:
        checks.warn_unconverged(
            "convex.fit",
            f"gap {found.gap:.2g} after {len(found.trace)} brackets",
            f"gap = {gap:.2g}",
            "raise max_iter, max_seconds or gap; the bracket is valid",
        )
    return found


def solve(X, y, patterns, *, beta, loss="squared", gap=1e-4, max_iter=None, max_seconds=np.inf, method="auto"):
    """:func:`fit` without its warning, for callers that judge the gap themselves."""
    X, y, beta = program.check_problem(X, y, patterns, beta, loss)
    gap = checks.number(gap, "gap", above=0.0)
    if max_iter is not None:
        max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    if max_seconds != np.inf:
        max_seconds = checks.number(max_seconds, "max_seconds", above=0.0)
    checks.choice(method, "method", METHODS)
    with blas.single_thread():
        return _fit(X, y, patterns, beta, losses.get(loss), gap, max_iter, max_seconds, method)


def _fit(X, y, patterns, beta, loss, gap, max_iter, max_seconds, method):
    n, d = X.shape
    active = patterns.active
    seen = np.flatnonzero((X != 0.0).any(axis=1))  # a point at the origin bears no constraint and is predicted as 0
    used = np.flatnonzero(active[seen].any(axis=0))  # a block that no point sees is zero at the optimum
    v, w = np.zeros((d, patterns.count)), np.zeros((d, patterns.count))
    zero = np.zeros(n)
    upper, dual = loss.value(zero, y), -loss.slope(zero, y)
    if len(seen) == 0 or len(used) == 0 or not y[seen].any():
        whole = Bracket(upper, None, dual)
        whole.bound(loss.dual(dual, y), dual)
        whole.record()
        return _result(X, y, patterns, beta, loss, gap, v, w, dual, None, whole.lower, whole.trace(), "zero")
    sub = active[np.ix_(seen, used)]
    if method == "auto":
        operations, size = _dearness(len(seen), d, len(used))
        method = "interior" if operations <= INTERIOR_OPERATIONS and size <= INTERIOR_BYTES else "admm"
    gates = _inside(X[seen], sub, patterns.gates[:, used], method == "interior")
    # The means run over all n points: with m of them left, the same program with m/n of the loss is n/m of this one.
    share = loss.share(len(seen), n)
    # The solver sees y and X of size one, whatever their units: y exactly, so that its gap is the same in all of them;
    # X by a power of two, in columns turned to be orthogonal. A part of the gap is left for the certificate's rounding.
    unit, size = loss.unit(y[seen]), rounding.scale_of(X[seen])
    turn = np.linalg.svd(X[seen] / size, full_matrices=False)[2].T  # orthonormal, and the rest of R^d only costs
    X_seen, y_seen, own = np.ascontiguousarray(X[seen] / size @ turn), y[seen] / unit, loss.scaled(unit)
    rest = (upper / share - loss.value(zero[seen], y[seen])) / unit**2
    nothing = np.zeros((2 * len(used), turn.shape[1]))
    bracket = Bracket(own.value(zero[seen], y_seen), nothing, (np.zeros(len(seen)), None), rest=rest)
    problem = (X_seen, y_seen, sub, gates @ turn, beta / share / (unit * size), own)
    budget = {"gap": 0.99 * gap, "max_seconds": max_seconds}
    try:
        if method == "interior":
            interior.solve(_plain.Plain(*problem), bracket, max_iter=max_iter or 100, **budget)
        else:
            admm.solve(*problem, bracket, max_iter=max_iter or 5000, **budget)
    except np.linalg.LinAlgError:  # cones too thin for the solver's factors: 0 is feasible, and lambda = 0 a bound
        bracket.record()
    lower = share * unit**2 * (bracket.lower + bracket.rest)
    dual[seen], mu = share * unit * bracket.dual[0], np.zeros((2, patterns.count, len(seen)))
    if bracket.dual[1] is not None:
        mu[:, used] = share * unit * bracket.dual[1].reshape(2, len(used), -1)
    U, trace = bracket.point @ turn.T * (unit / size), bracket.trace(share * unit**2)
    v[:, used], w[:, used] = U[: len(used)].T, U[len(used) :].T
    return _result(X, y, patterns, beta, loss, gap, v, w, dual, mu, lower, trace, method)


def _without_ghosts(X, y, active, beta, loss, v, w):
    """Set to zero as many of the shortest blocks as leave the objective no larger.

    An interior point ends with every block a little off zero. Zero lies in every cone, so what is left is feasible;
    the objective is evaluated anew, and falls where the price of the block is below beta.
    """
    d, P = v.shape
    U = np.hstack([v, w])
    length = np.linalg.norm(U, axis=0)
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0.0]
    p = (active * (X @ (v - w))).sum(axis=1)
    start = loss.value(p, y) + beta * float(length.sum())
    left, dropped = float(length.sum()), 0
    for k, b in enumerate(order):
        q = active[:, b % P] * (X @ U[:, b])
        p = p - q if b < P else p + q
        left -= length[b]
        if loss.value(p, y) + beta * left <= start:
            dropped = k + 1
        elif length[b] > 1e-2 * length[order[-1]]:
            break
    U[:, order[:dropped]] = 0.0
    return U[:, :P], U[:, P:]


def _result(X, y, patterns, beta, loss, gap, v, w, dual, mu, lower, trace, method):
    v, w = _without_ghosts(X, y, patterns.active, beta, loss, v, w)
    v, w, objective = program.upper_bound(X, y, patterns, beta, loss, v, w)
    dual, lower = program.lower_bound(
        X, y, patterns, beta, loss, dual, lower, fine=1e-3 * gap * objective, multipliers=mu
    )
    lower = program.below(lower, objective)
    reached = program.relative_gap(objective, lower, loss, y)
    return program.Fit(
        objective,
        lower,
        reached,
        bool(reached <= gap),
        v,
        w,
        patterns,
        loss,
        beta,
        dual,
        program.recover_net(v, w),
        trace,
        method,
    )
