r"""Exactly how robust? Bounds of a two-layer net over a box or a ball around any point, from the crudest to the exact.

Let :math:`g = \pm f = \sum_i a_i (u_i^\top x)_+`, to be made small over :math:`\{x + e \circ \xi : \|\xi\| \le 1\}`. A
unit is *stable* if it keeps its sign there. Of the unstable ones those with :math:`a_i > 0` *agree* and those with
:math:`a_i < 0` *oppose*:

* ``interval``: every unit at its worst on its own;
* ``line``: one pass of lines, a chord above each opposing unit, the line z or 0 below each agreeing one (CROWN);
* ``lp``: the best lines below the agreeing units, which is the triangle relaxation;
* ``exact``: branch and bound on the signs of the opposing units.
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, minimize

from robustnn_core import blas, checks, nets, sweeps
from robustnn_core.convex import losses
from robustnn_core.convex.cells import box
from robustnn_core.convex.rounding import roundoff

__all__ = [
    "METHODS",
    "Bounds",
    "CertifiedAccuracy",
    "Mixed",
    "WorstCase",
    "certified_accuracy",
    "mix",
    "net_bounds",
    "worst_case_loss",
]

#: From the crudest bound to the exact one.
METHODS = ("interval", "line", "lp", "exact")


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


@dataclass(frozen=True, eq=False)
class WorstCase:
    """A bracket of the worst loss of a net when every point moves.

    Attributes
    ----------
    loss : float
        Certified: no moves give more.
    reached : float
        The loss at ``X + moves``: these moves give it.
    exact : bool
        Both are the worst case: no unit changes its sign, or branch and bound closed every bracket to ``tol``.
    margins : ndarray, shape (n,)
        Certified lower bound of y f at every point (hinge and logistic), or upper bound of |f - y| (squared).
    moves : ndarray, shape (n, d)
    """

    loss: float
    reached: float
    exact: bool
    margins: np.ndarray
    moves: np.ndarray


@dataclass(frozen=True, eq=False)
class CertifiedAccuracy:
    """What held-out points say of the robust accuracy of a net.

    Attributes
    ----------
    low : float
        With the wanted confidence the robust accuracy on the population is at least this (Clopper & Pearson).
    certified : float
        Share of the points whose label no move changes.
    attacked : float
        Share of the points whose label the moves found here do not change: the robust share lies between.
    """

    low: float
    certified: float
    attacked: float


def net_bounds(net, X, sides, *, radius, bias=None, norm="linf", method="line", tol=1e-6, max_nodes=2000, decide=None):
    r"""Bracket the least value of ``sides * f`` over the box or ball around every point.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (N, d)
    sides : array_like of +-1, shape (N,)
        +1 bounds f from below, -1 bounds -f from below; labels give margins.
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.
    norm : {"linf", "l2"}
        Moves :math:`e\circ\xi` with :math:`\|\xi\|_\infty\le1` or :math:`\|\xi\|_2\le1`.
    method : {"interval", "line", "lp", "exact"}
    tol : float > 0
        ``exact`` stops when value reached and bound differ by at most this, in the units of f.
    max_nodes : int >= 1
        Linear programs a point that ``exact`` may solve.
    decide : float, optional
        ``exact`` may stop earlier: as soon as the bound is above this number or the value reached at most that.

    Returns
    -------
    Bounds

    Raises
    ------
    ValueError
        Bad input; a radius that moves the bias.

    Warns
    -----
    ConvergenceWarning
        ``exact`` ran out of nodes; the bracket is valid.

    Notes
    -----
    The relaxation of a node is solved by HiGHS (box), or by a quasi-Newton method in its dual (ball). Either gives
    lines and multipliers; the bound is their closed form, valid whatever the solver's tolerance. ``line`` takes the
    better of two choices below the agreeing units, z or 0 by the larger side, and 0 throughout: the first alone can
    fall below ``interval``.

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> net = nets.ReLUSum([[1.0], [-1.0]], [1, 1])  # |x|
    >>> methods = ("interval", "line", "lp", "exact")
    >>> [round(float(convex.net_bounds(net, [[0.1]], [-1], radius=1.0, method=m).low[0]), 3) for m in methods]
    [-2.0, -1.1, -1.1, -1.1]
    """
    net, X, e = _checked(net, X, radius, bias, norm)
    sides = checks.signs(sides, "sides", length=len(X))
    method = checks.choice(method, "method", METHODS)
    tol = checks.number(tol, "tol", above=0.0)
    max_nodes = checks.integer(max_nodes, "max_nodes", at_least=1)
    decide = None if decide is None else checks.number(decide, "decide")
    found = _bounds(net, X, sides, e, norm, method, tol, max_nodes, decide)
    _warn("convex.net_bounds", found, tol, stacklevel=4)
    return found


def worst_case_loss(net, X, y, *, radius, bias=None, norm="linf", loss="hinge", exact=False, tol=1e-6, max_nodes=2000):
    """Bracket the worst loss of any :class:`~robustnn_core.nets.ReLUSum` when every point moves inside its box or ball.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (n, d)
        Any points; they need not be training points.
    y : array_like, shape (n,)
        Labels +-1, or numbers for the squared loss.
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.
    norm : {"linf", "l2"}
    loss : {"hinge", "logistic", "squared"}
        Mean over the points; of squares half the sum.
    exact : bool
        False: one pass of lines, exact where no unit changes its sign. True: branch and bound at every point.
    tol, max_nodes
        See :func:`net_bounds`.

    Returns
    -------
    WorstCase

    Raises
    ------
    ValueError
        Bad input; a radius that moves the bias.

    Warns
    -----
    ConvergenceWarning
        ``exact=True`` ran out of nodes; the bracket is valid and ``exact`` is False.

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> net = nets.ReLUSum([[1.0, 0.0]], [1])
    >>> bracket = convex.worst_case_loss(net, [[1.0, 1.0], [2.0, 1.0]], [1, 1], radius=0.25, bias=1)
    >>> round(bracket.loss, 12), bracket.reached, bracket.exact
    (0.125, 0.125, True)
    """
    net, X, e = _checked(net, X, radius, bias, norm)
    form = losses.get(loss)
    y = checks.signs(y, "y", length=len(X)) if form.labels else checks.array(y, "y", shape=(len(X),))
    tol = checks.number(tol, "tol", above=0.0)
    max_nodes = checks.integer(max_nodes, "max_nodes", at_least=1)
    method = "exact" if exact else "line"
    stable = bool(_stable(net, X, e, norm).all())
    if form.labels:
        found = _bounds(net, X, y, e, norm, method, tol, max_nodes, None)
        closed = stable or bool(exact and found.converged)
        result = WorstCase(
            form.total(form.points(y * found.low, y)),
            form.total(form.points(net.predict(X + found.moves), y)),
            closed,
            found.low,
            found.moves,
        )
    else:
        ones = np.ones(len(X))
        down, up = (_bounds(net, X, side * ones, e, norm, method, tol, max_nodes, None) for side in (1.0, -1.0))
        found = down if down.converged is False else up
        closed = stable or bool(exact and down.converged and up.converged)
        far = np.maximum(y - down.low, -up.low - y)
        near = np.stack([np.abs(net.predict(X + part.moves) - y) for part in (down, up)])
        moves = np.where((near[0] >= near[1])[:, None], down.moves, up.moves)
        zero = np.zeros(len(X))
        result = WorstCase(
            form.total(form.points(far, zero)), form.total(form.points(near.max(axis=0), zero)), closed, far, moves
        )
    _warn("convex.worst_case_loss", found, tol, stacklevel=4)
    return result


def certified_accuracy(
    net, X, y, *, radius, bias=None, norm="linf", confidence=0.95, exact=False, tol=1e-6, max_nodes=2000
):
    """Count the held-out points whose label no move changes, and say what that proves of the population.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (N, d)
        Points drawn independently of the net: not those it was trained or chosen on.
    y : array_like of +-1, shape (N,)
    radius, bias, norm
        See :func:`net_bounds`.
    confidence : float in (0.5, 1)
        One-sided.
    exact : bool
        Decide every point by branch and bound.
    tol, max_nodes
        See :func:`net_bounds`.

    Returns
    -------
    CertifiedAccuracy

    Raises
    ------
    ValueError
        Bad input; a radius that moves the bias.

    Warns
    -----
    ConvergenceWarning
        ``exact=True`` left points undecided; they do not count as certified.

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> net = nets.ReLUSum([[1.0], [-1.0]], [1, -1])  # f(x) = x
    >>> convex.certified_accuracy(net, [[-2.0], [0.5], [3.0], [4.0]], [-1, 1, 1, 1], radius=1.0).certified
    0.75
    """
    net, X, e = _checked(net, X, radius, bias, norm)
    y = checks.signs(y, "y", length=len(X))
    confidence = checks.number(confidence, "confidence", above=0.5, below=1.0)
    tol = checks.number(tol, "tol", above=0.0)
    max_nodes = checks.integer(max_nodes, "max_nodes", at_least=1)
    found = _bounds(net, X, y, e, norm, "exact" if exact else "line", tol, max_nodes, 0.0)
    _warn("convex.certified_accuracy", found, tol, stacklevel=4)
    right = int((found.low > 0.0).sum())
    low, _ = sweeps.binomial_interval(right, len(X), 2.0 * confidence - 1.0)
    return CertifiedAccuracy(low, right / len(X), float((found.reached > 0.0).mean()))


@dataclass(frozen=True, eq=False)
class Mixed:
    r"""Two classifiers mixed: :math:`(1-a)\,\mathrm{clip}(f_{rob}) + a\,\mathrm{clip}(f_{acc})`, scores cut to [-1, 1].

    Attributes
    ----------
    robust_net : nets.ReLUSum
    accurate_net : object
        Anything with ``predict``.
    weight : float in [0, 1)
        a, of the accurate net.
    """

    robust_net: nets.ReLUSum
    accurate_net: object
    weight: float

    def predict(self, X):
        """Return the mixed score at every row of ``X`` (N, d): shape (N,), in [-1, 1]."""
        robust, accurate = (np.clip(net.predict(X), -1.0, 1.0) for net in (self.robust_net, self.accurate_net))
        return (1.0 - self.weight) * robust + self.weight * accurate

    def certified_margin(self, X, y, *, radius, bias=None, norm="linf", exact=False):
        """Return a lower bound of y times the mixed score over every box or ball, shape (N,).

        The accurate net counts with its own bound, at worst -1: a robust margin above a/(1-a) is enough.

        Parameters
        ----------
        X, y, radius, bias, norm, exact
            See :func:`worst_case_loss`.
        """
        options = {"radius": radius, "bias": bias, "norm": norm, "method": "exact" if exact else "line"}
        robust = net_bounds(self.robust_net, X, y, **options).low
        accurate = -np.ones(len(robust))
        if isinstance(self.accurate_net, nets.ReLUSum):
            accurate = net_bounds(self.accurate_net, X, y, **options).low
        return (1.0 - self.weight) * np.clip(robust, -1.0, 1.0) + self.weight * np.clip(accurate, -1.0, 1.0)


def mix(robust_net, accurate_net, *, weight):
    """Mix a robust and an accurate classifier: accurate where the robust one is not sure, and still certified.

    Parameters
    ----------
    robust_net : nets.ReLUSum
    accurate_net : object
        Anything with ``predict``; a :class:`~robustnn_core.nets.ReLUSum` counts in the certificate with its own bound.
    weight : float in [0, 1)
        Of the accurate net. Below 1/2 a robust margin above weight / (1 - weight) certifies the mix alone.

    Returns
    -------
    Mixed

    Raises
    ------
    ValueError
        A robust net that is no ReLUSum, an accurate one without ``predict``, a weight outside [0, 1).

    References
    ----------
    The idea: Bai, Anderson, Sojoudi 2023, on mixing classifiers.

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> line, step = nets.ReLUSum([[1.0], [-1.0]], [1, -1]), nets.ReLUSum([[-9.0], [9.0]], [1, -1])
    >>> convex.mix(line, step, weight=0.25).predict([[2.0]])
    array([0.5])
    """
    if not isinstance(robust_net, nets.ReLUSum):
        raise ValueError(f"robust_net = {type(robust_net).__name__} must be a nets.ReLUSum")
    if not callable(getattr(accurate_net, "predict", None)):
        raise ValueError(f"accurate_net = {type(accurate_net).__name__} must have a method predict(X)")
    return Mixed(robust_net, accurate_net, checks.number(weight, "weight", at_least=0.0, below=1.0))


# ---------------------------------------------------------------------------------------------------


def _checked(net, X, radius, bias, norm):
    if not isinstance(net, nets.ReLUSum):
        raise ValueError(f"net = {type(net).__name__} must be a nets.ReLUSum")
    X = checks.array(X, "X", shape=("n", "d"))
    e = box(X, radius, bias=bias)
    checks.choice(norm, "norm", ("linf", "l2"))
    if net.weights.shape[1] != X.shape[1]:
        raise ValueError(f"net has units in dimension {net.weights.shape[1]}, X has {X.shape[1]} columns")
    return net, X, e


def _warn(function, found, tol, stacklevel):
    if not found.converged:
        worst = float((found.reached - found.low).max())
        checks.warn_unconverged(
            function,
            f"a bracket of width {worst:.2g} after {int(found.nodes.max())} nodes",
            f"tol = {tol:.2g}",
            "raise max_nodes or tol; the bracket is valid",
            stacklevel=stacklevel,
        )


def _length(q, e, norm):
    """|e o q| in the dual norm: how far q.x moves."""
    return np.abs(q) @ e if norm == "linf" else np.linalg.norm(q * e, axis=-1)


def _steepest(q, e, norm):
    """The move that makes q.x smallest."""
    if norm == "linf":
        return -e * np.sign(q)
    size = np.linalg.norm(q * e, axis=-1, keepdims=True)
    return -(e**2) * np.divide(q, size, out=np.zeros_like(q), where=size > 0.0)


def _stable(net, X, e, norm):
    return np.abs(blas.product(X, net.weights.T)) >= _length(net.weights, e, norm)


def _bounds(net, X, sides, e, norm, method, tol, max_nodes, decide):
    U, N = net.weights, len(X)
    Z, reach, A = blas.product(X, U.T), _length(U, e, norm), sides[:, None] * net.signs
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
        new = (X * q).sum(axis=1) + shift - _length(q, e, norm) - slack
        better = new > value
        value[better], moves[better] = new[better], _steepest(q, e, norm)[better]
    reached, moves = _descended(net, X, sides, e, norm, moves)
    nodes, converged = np.zeros(N, dtype=int), True
    if method in ("lp", "exact"):
        for k in np.flatnonzero(crossing.any(axis=1)):
            if method == "exact" and _done(value[k], reached[k], tol, decide):
                continue
            tree = _Tree(X[k], U, A[k], e, norm, low[k], high[k])
            best = tree.run(value[k], reached[k], moves[k], 1 if method == "lp" else max_nodes, tol, decide)
            value[k], reached[k], moves[k], nodes[k] = best
            converged &= method == "lp" or _done(value[k], reached[k], tol, decide)
    return Bounds(value, reached, moves, nodes, converged)


def _done(low, reached, tol, decide):
    return reached - low <= tol or (decide is not None and (low > decide or reached <= decide))


def _descended(net, X, sides, e, norm, moves, rounds=10):
    """Better moves by going to the far end of every gradient, from the given ones and from the centre: the best."""
    best, at = sides * net.predict(X), np.zeros_like(X)
    for start in (moves, at.copy()):
        for _ in range(rounds):
            value = sides * net.predict(X + start)
            better = value < best
            best[better], at[better] = value[better], start[better]
            start = _steepest(net.pullback(X + start, sides), e, norm)
    return best, at


class _Tree:
    """Branch and bound at one point. A node is a dict: opposing unstable unit -> the sign it is given."""

    def __init__(self, x, U, a, e, norm, low, high):
        crossing = (low < 0.0) & (high > 0.0)
        self.x, self.U, self.a, self.e, self.norm = x, U, a, e, norm
        self.agree, self.oppose = np.flatnonzero(crossing & (a > 0)), np.flatnonzero(crossing & (a < 0))
        self.chord = np.zeros(len(a))
        self.chord[self.oppose] = high[self.oppose] / (high - low)[self.oppose]
        self.shift = np.where(self.chord > 0.0, -self.chord * low, 0.0)
        self.slope = np.where(crossing, self.chord, low >= 0.0)
        self.Ue = U * e
        self.z = U @ x
        self.sizes = np.abs(U) @ (np.abs(x) + e)

    def value(self, move):
        return float(np.maximum(self.U @ (self.x + move), 0.0) @ self.a)

    def node(self, signs):
        """q, constant and branch rows (towards >= 0) of a node."""
        slope, shift = self.slope.copy(), self.shift.copy()
        for i, sign in signs.items():
            slope[i], shift[i] = float(sign > 0), 0.0
        rows = np.array(list(signs), dtype=int)
        return (self.a * slope) @ self.U, float(self.a @ shift), rows, np.array(list(signs.values()), dtype=float)

    def closed(self, q, constant, rows, sign, alpha, mu):
        """The bound of lines alpha below the agreeing units and multipliers mu of the branch, and its steepest move."""
        q = q + (self.a[self.agree] * alpha) @ self.U[self.agree] - (mu * sign) @ self.U[rows]
        slack = roundoff(self.U.size, float(self.sizes.sum() + mu @ self.sizes[rows]))
        return float(q @ self.x) + constant - float(_length(q, self.e, self.norm)) - slack, q

    def relaxed(self, signs):
        """(bound, move) of a node; (inf, None) if no move has these signs."""
        node = self.node(signs)
        if self.norm == "linf":
            return self.program(*node, np.zeros((0, np.count_nonzero(self.e))))
        bound, move = self.dual_ball(*node)
        short = math.inf if self.outside(move, signs) else self.relaxed_value(move, *node[:2]) - bound
        if short > 1e-8 * (1.0 + abs(bound)):  # the dual has a kink where the best move is inside the ball
            return self.cut_ball(node, bound, move)
        return bound, move

    def relaxed_value(self, move, q, constant):
        """The relaxation at a move."""
        z = np.maximum(self.U[self.agree] @ (self.x + move), 0.0)
        return float(q @ (self.x + move)) + constant + float(self.a[self.agree] @ z)

    def outside(self, move, signs):
        z = self.U @ (self.x + move)
        return any(sign * z[i] < -1e-9 for i, sign in signs.items())

    def program(self, q, constant, rows, sign, cuts):
        """The linear program over the box, with cuts n.xi <= 1."""
        J, g, b = np.flatnonzero(self.e), len(self.agree), len(rows)
        cost = np.concatenate([q[J] * self.e[J], self.a[self.agree]])
        A = np.zeros((g + b + len(cuts), len(cost)))
        A[:g, : len(J)], A[np.arange(g), len(J) + np.arange(g)] = self.Ue[self.agree][:, J], -1.0
        A[g : g + b, : len(J)] = -sign[:, None] * self.Ue[rows][:, J]
        A[g + b :, : len(J)] = cuts
        right = np.concatenate([-self.z[self.agree], sign * self.z[rows], np.ones(len(cuts))])
        limits = [(-1.0, 1.0)] * len(J) + [(0.0, None)] * g
        given = {"A_ub": A, "b_ub": right} if len(A) else {}
        found = linprog(cost, bounds=limits, method="highs", **given)
        if found.status == 2:
            return np.inf, None
        if found.status != 0:
            raise RuntimeError(f"the linear program of a bound failed: {found.message}")
        prices = -found.ineqlin.marginals if len(A) else np.zeros(0)
        alpha = np.clip(prices[:g] / self.a[self.agree], 0.0, 1.0)
        bound, _ = self.closed(q, constant, rows, sign, alpha, np.maximum(prices[g : g + b], 0.0))
        move = np.zeros(len(self.e))
        move[J] = self.e[J] * np.clip(found.x[: len(J)], -1.0, 1.0)
        return bound, move

    def cut_ball(self, node, bound, move):
        """The ball by tangent planes, each at the last program's point (Kelley)."""
        J = np.flatnonzero(self.e)
        cuts, best = [], np.inf
        for _ in range(60):
            new, at = self.program(*node, np.array(cuts).reshape(-1, len(J)))
            if at is None:
                return np.inf, None
            bound = max(bound, new)
            size = np.linalg.norm(at[J] / self.e[J])
            inside = at / max(1.0, size)
            value = self.relaxed_value(inside, *node[:2])
            if value < best:
                best, move = value, inside
            if size <= 1.0 + 1e-9 or best - bound <= 1e-8 * (1.0 + abs(bound)):
                break
            cuts.append(at[J] / self.e[J] / size)
        return bound, move

    def dual_ball(self, q, constant, rows, sign):
        """The dual of the relaxation over the ball: concave in lines and multipliers, which have bounds."""
        g, b = len(self.agree), len(rows)

        def negative(v):
            bound, way = self.closed(q, constant, rows, sign, v[:g], v[g:])
            z = self.U @ (self.x + _steepest(way, self.e, "l2"))
            return -bound, -np.concatenate([self.a[self.agree] * z[self.agree], -sign * z[rows]])

        start = np.concatenate([(self.z[self.agree] > 0.0).astype(float), np.zeros(b)])
        if g + b:
            limits = [(0.0, 1.0)] * g + [(0.0, 1e9)] * b
            options = {"ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
            start = minimize(negative, start, jac=True, bounds=limits, method="L-BFGS-B", options=options).x
        alpha, mu = np.clip(start[:g], 0.0, 1.0), np.maximum(start[g:], 0.0)
        bound, way = self.closed(q, constant, rows, sign, alpha, mu)
        return bound, _steepest(way, self.e, "l2")

    def run(self, low, reached, move, max_nodes, tol, decide):
        """Best first: the open node with the least bound is branched at the largest gap between chord and unit."""
        bound, at = self.relaxed({})
        heap, nodes, order = [(max(bound, low), 0, {}, at)], 1, 0
        value = self.value(at)
        if value < reached:
            reached, move = value, at
        while heap:
            least = min(heap[0][0], reached)
            if nodes >= max_nodes or _done(least, reached, tol, decide):
                return least, reached, move, nodes
            bound, _, signs, at = heapq.heappop(heap)
            free = [i for i in self.oppose if i not in signs]
            if not free:  # a leaf whose bound is not yet its value: only rounding, or the ball's solver
                return bound, reached, move, nodes
            z = self.U[free] @ (self.x + at)
            gap = -self.a[free] * (self.chord[free] * z + self.shift[free] - np.maximum(z, 0.0))
            i = free[int(gap.argmax())]
            for sign in (1, -1):
                child = {**signs, i: sign}
                new, there = self.relaxed(child)
                nodes += 1
                if there is None:
                    continue
                value = self.value(there)
                if value < reached:
                    reached, move = value, there
                order += 1
                heapq.heappush(heap, (max(new, bound), order, child, there))
        return reached, reached, move, nodes
