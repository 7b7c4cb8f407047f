r"""Ledgers of the bending program, of its bounds and of the gated program, each on numbers that can fail.

The boxes are visited at every corner and at random moves; for the relaxation a linear program of its own is solved.
"""

import itertools

import numpy as np
from scipy.optimize import linprog

from robustnn_core import checks, nets, streams
from robustnn_core.convex import gated, losses, robust, verify
from robustnn_core.convex._bending_rows import Rows, norm_of
from robustnn_core.convex.bending import bending_margins, fit_bending
from robustnn_core.convex.cells import box
from robustnn_core.ledger import Ledger

__all__ = ["bending_bound", "bending_squared", "gated_bracket", "never_worse", "relaxation"]


def bending_bound(net, X, y, slopes, *, radius, bias=None, norm="linf", trials=200, seed=0):
    r"""The theorem: lines under the units that agree, lines over those that oppose, and the norm of what is left.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (n, d)
        At most 12 columns move.
    y : array_like of +-1, shape (n,)
    slopes : array_like in [0, 1], shape (n, m)
    radius, bias, norm
        See :func:`~robustnn_core.convex.bending.fit_bending`.
    trials : int
        Random moves beside the corners.
    seed : int

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.convex import proofs
    >>> net = nets.ReLUSum([[1.0, 0.2], [0.5, -1.0]], [1, -1])
    >>> proofs.bending_bound(net, [[0.3, 0.1]], [1], [[1.0, 0.4]], radius=0.5).assert_holds().rows[4].label
    'm'
    """
    X, y, e, U, signs = _checked(net, X, y, radius, bias)
    m = bending_margins(net, X, y, radius=e, slopes=slopes, norm=norm)
    slope = checks.array(slopes, "slopes", shape=(len(X), len(U)))
    moves = _moves(e, norm, trials, seed)
    z = (X[:, None, :] + moves) @ U.T  # (n, moves, m)
    oppose = np.multiply.outer(y, signs) < 0.0
    c = slope[:, None, :]
    center, reach = X @ U.T, norm_of(U, e, norm)
    over = np.maximum(0.0, np.maximum((1.0 - slope) * (center + reach), slope * (reach - center)))
    q = (slope * signs) @ U
    least = (y[:, None] * (np.maximum(z, 0.0) @ signs)).min(axis=1)
    rows = Rows(X, signs, y[None], e, norm)
    other = U + 1e-3 * streams.generator((seed, 1)).standard_normal(U.shape)
    half = rows.margins(0.5 * (U + other), slope)
    first, second = m, rows.margins(other, slope)
    ledger = Ledger("Units may bend")
    ledger.leq("agree", r"cz\le z_+", c * z, np.maximum(z, 0.0))
    ledger.eq("oppose", r"z_+=cz+\max\{(1-c)z,-cz\}", np.maximum(z, 0.0), c * z + np.maximum((1.0 - c) * z, -c * z))
    ledger.leq(
        "t", r"\max\{(1-c)z,-cz\}\le t_{ik}\text{ on the box}", np.maximum((1.0 - c) * z, -c * z).max(axis=1), over
    )
    ledger.leq("q", r"-\|e\circ q_k\|\le q_k^\top\delta", -norm_of(q, e, norm), (q @ moves.T).min(axis=1))
    ledger.leq("m", r"m_k(U)\le\min_\delta y_kf(x_k+\delta)", m, least)
    ledger.leq("concave", r"\tfrac12(m_k(U)+m_k(U'))\le m_k(\tfrac12(U+U'))", 0.5 * (first + second), half)
    ledger.lt("used", r"0<\#\{\text{units that oppose and turn}\}", 0.0, (oppose & (np.abs(center) < reach)).sum())
    return ledger


def bending_squared(net, X, y, *, radius, bias=None, norm="linf", trials=200, seed=0):
    r"""The squared loss: :math:`|f-y|\le\max(y-\underline f,\ \overline f-y)`, each bound with its own chords.

    Parameters
    ----------
    net, X, radius, bias, norm, trials, seed
        See :func:`bending_bound`.
    y : array_like, shape (n,)

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.convex import proofs
    >>> net = nets.ReLUSum([[1.0, 0.2], [0.5, -1.0]], [1, -1])
    >>> proofs.bending_squared(net, [[0.3, 0.1]], [0.7], radius=0.5).assert_holds().rows[0].label
    'low'
    """
    X, y, e, U, signs = _checked(net, X, y, radius, bias, labels=False)
    values = np.maximum((X[:, None, :] + _moves(e, norm, trials, seed)) @ U.T, 0.0) @ signs
    low = bending_margins(net, X, np.ones(len(X)), radius=e, norm=norm)
    high = -bending_margins(net, X, -np.ones(len(X)), radius=e, norm=norm)
    far = np.maximum(y - low, high - y)
    ledger = Ledger("Both sides for the squared loss")
    ledger.leq("low", r"\underline f\le f(x+\delta)", low, values.min(axis=1))
    ledger.leq("high", r"f(x+\delta)\le\overline f", values.max(axis=1), high)
    ledger.leq("far", r"|f(x+\delta)-y|\le\max(y-\underline f,\overline f-y)", np.abs(values.T - y).max(axis=0), far)
    return ledger


def never_worse(fit, X, y):
    r"""At a point of the robust program no t is needed, and the bending program with its patterns is not larger.

    Parameters
    ----------
    fit : RobustFit
    X, y
        What it was fitted to.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex import proofs
    >>> X, y = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]]), [-1, -1, 1]
    >>> patterns = convex.Patterns([[0, 1], [0, 1], [1, 1]], [[1.0, 0.0], [-0.7, 1.0]])
    >>> fit = convex.fit_robust(X, y, patterns, beta=1e-3, radius=0.1, bias=1)
    >>> proofs.never_worse(fit, X, y).assert_holds().rows[0].label
    't'
    """
    if not isinstance(fit, robust.RobustFit):
        raise ValueError(f"fit = {type(fit).__name__} must be a convex.RobustFit")
    X, form = checks.array(X, "X", shape=("n", "d")), losses.get(fit.loss)
    y = checks.array(y, "y", shape=(len(X),))
    e = fit.radius
    U = np.concatenate([fit.v.T, fit.w.T])
    signs, slope = np.repeat([1.0, -1.0], fit.v.shape[1]), np.tile(fit.patterns.active.astype(float), (1, 2))
    z, h = X @ U.T, norm_of(U, e, "linf")
    t = np.maximum((1.0 - slope) * (z + h), slope * (h - z)).max(axis=0)
    rows = Rows(X, signs, form.robust(y).signs, e, "linf")
    q = (slope * signs) @ U
    margins = (X * q).sum(axis=1), norm_of(q, e, "linf")
    wanted = np.concatenate([side * margins[0] - margins[1] for side in form.robust(y).signs])
    bent = fit_bending(X, y, fit.patterns, radius=e, beta=fit.beta, loss=form, gap=1e-6)
    ledger = Ledger("Never worse than the robust program")
    size = float(np.abs(z).max()) or 1.0
    ledger.leq("t", r"t_{ik}\le0", t, 0.0, scale=size)
    every = np.tile(slope, (len(form.robust(y).signs), 1))
    ledger.eq("m", r"m_k(U)=\pm q_k^\top x_k-\|e\circ q_k\|_1", rows.margins(U, every), wanted, scale=size)
    ledger.leq("p", r"\min\le\text{robust program}", bent.lower_bound, fit.objective, scale=fit.objective)
    ledger.leq("f", r"\text{certified}\le(1+\gamma)\text{robust program}", bent.objective, fit.objective, tol=2e-6)
    return ledger


def relaxation(net, X, sides, *, radius, bias=None, trials=200, seed=0):
    r"""With one hidden layer the best lines are the triangle relaxation: :math:`z_+=\max_{0\le a\le1}az`, minimax.

    Parameters
    ----------
    net, X, radius, bias, seed
        See :func:`bending_bound`.
    sides : array_like of +-1, shape (n,)
    trials : int
        Draws of the lines.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.convex import proofs
    >>> net = nets.ReLUSum([[1.0, 0.2], [0.5, -1.0]], [1, -1])
    >>> proofs.relaxation(net, [[0.3, 0.1]], [1], radius=0.5).assert_holds().rows[0].label
    'any'
    """
    X, sides, e, U, signs = _checked(net, X, sides, radius, bias)
    rng = streams.generator(seed)
    triangle, drawn = np.empty(len(X)), np.empty((trials, len(X)))
    for k in range(len(X)):
        triangle[k] = _triangle(U, sides[k] * signs, X[k], e)
    rows = Rows(X, signs, sides[None], e, "linf")
    chords, _ = rows.chords(U)
    for j in range(trials):
        free = rng.uniform(0.0, 1.0, chords.shape)
        crossing = (np.abs(X @ U.T) < norm_of(U, e, "linf")) & ~rows.oppose
        drawn[j] = rows.margins(U, np.where(crossing, free, chords))
    best = verify.net_bounds(net, X, sides, radius=e, method="lp").low
    one = verify.net_bounds(net, X, sides, radius=e, method="line").low
    exact = verify.net_bounds(net, X, sides, radius=e, method="exact").reached
    ledger = Ledger("One hidden layer: the best lines are the triangle relaxation")
    ledger.leq("any", r"\text{any lines}\le\text{triangle}", drawn.max(axis=0), triangle, tol=1e-7)
    ledger.leq("pass", r"\text{one pass}\le\text{triangle}", one, triangle, tol=1e-7)
    ledger.eq("best", r"\max_\alpha=\text{triangle}", best, triangle, tol=1e-7)
    ledger.leq("exact", r"\text{triangle}\le\min_\delta\pm f(x+\delta)", triangle, exact, tol=1e-7)
    return ledger


def gated_bracket(fit, X, y, *, reference):
    r"""The bracket :math:`d^*\le p^*\le d^*+2\beta\sum_i|u_i^*|/\rho_i`, and the rounding behind it.

    Parameters
    ----------
    fit : GatedFit
    X, y
        What it was fitted to.
    reference : Fit
        Of the convex program with the same patterns.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex import proofs
    >>> X, y = np.array([[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]]), [1.0, 2.0, 0.0]
    >>> patterns = convex.enumerate_patterns(X)
    >>> reference = convex.fit(X, y, patterns, beta=0.1)
    >>> fit = convex.fit_gated(X, y, patterns, beta=0.1)
    >>> proofs.gated_bracket(fit, X, y, reference=reference).assert_holds().rows[0].label
    'd'
    """
    if not isinstance(fit, gated.GatedFit):
        raise ValueError(f"fit = {type(fit).__name__} must be a convex.GatedFit")
    X, active = checks.array(X, "X", shape=("n", "d")), fit.patterns.active
    sides, length = np.where(active, 1.0, -1.0), np.linalg.norm(fit.u, axis=0)
    p = (active * (X @ fit.u)).sum(axis=1)
    kept = (active * (X @ (fit.v - fit.w))).sum(axis=1)
    pair = np.linalg.norm(fit.v, axis=0) + np.linalg.norm(fit.w, axis=0)
    allowed = length + 2.0 * length / fit.margins
    gap = 2.0 * fit.beta * float((length / fit.margins).sum())
    ledger = Ledger("The gated program brackets the convex one")
    ledger.leq("d", r"d^*\le p^*", fit.lower_bound, reference.objective)
    ledger.leq("p", r"p^*\le\text{rounded}", reference.lower_bound, fit.objective)
    ledger.eq("D", r"\sum D_iX(v_i-w_i)=\sum D_iXu_i", kept, p, scale=float(np.abs(p).max()))
    ledger.leq("E", r"0\le(2D_i-I)Xv_i,\ (2D_i-I)Xw_i", 0.0, np.stack([sides * (X @ fit.v), sides * (X @ fit.w)]))
    ledger.leq("rho", r"|v_i|+|w_i|\le|u_i|(1+2/\rho_i)", pair, allowed)
    ledger.leq("width", r"\text{rounded}\le d+2\beta\sum|u_i|/\rho_i", fit.objective, fit.relaxed + gap)
    return ledger


# ---------------------------------------------------------------------------------------------------


def _checked(net, X, y, radius, bias, labels=True):
    if not isinstance(net, nets.ReLUSum):
        raise ValueError(f"net = {type(net).__name__} must be a nets.ReLUSum")
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.signs(y, "y", length=len(X)) if labels else checks.array(y, "y", shape=(len(X),))
    return X, y, box(X, radius, bias=bias), net.weights, net.signs


def _moves(e, norm, trials, seed):
    """Corners and random moves of the box, or random moves on the sphere."""
    moving = np.flatnonzero(e)
    if len(moving) > 12:
        raise ValueError(f"radius moves {len(moving)} columns; at most 12, every corner is visited")
    rng = streams.generator(seed)
    draws = rng.standard_normal((max(trials, 1), len(e)))
    if norm == "l2":
        return e * draws / np.linalg.norm(draws * (e > 0), axis=1, keepdims=True)
    corners = np.zeros((2 ** len(moving), len(e)))
    corners[:, moving] = np.array(list(itertools.product((-1.0, 1.0), repeat=len(moving)))).reshape(len(corners), -1)
    return e * np.concatenate([corners, np.clip(draws, -1.0, 1.0)])


def _triangle(U, a, x, e):
    """The triangle relaxation by a linear program in the move and every unit's value."""
    m, d = U.shape
    z, h = U @ x, np.abs(U) @ e
    low, high = z - h, z + h
    cost = np.concatenate([np.zeros(d), a])
    chord = np.where((low < 0) & (high > 0), high / np.where(high > low, high - low, 1.0), (low >= 0).astype(float))
    shift = np.where((low < 0) & (high > 0), -chord * low, 0.0)
    eye = np.eye(m)
    A = np.vstack([np.hstack([U, -eye]), np.hstack([-chord[:, None] * U, eye])])
    b = np.concatenate([-z, chord * z + shift])
    found = linprog(cost, A_ub=A, b_ub=b, bounds=[*zip(-e, e), *[(0.0, None)] * m], method="highs")
    return float(found.fun)
