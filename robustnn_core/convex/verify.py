r"""Exactly how robust? Bounds of a two-layer net over a box or a ball around any point, from the crudest to the exact.

Let :math:`g = \pm f = \sum_i a_i (u_i^\top x)_+`, to be made small over :math:`\{x + e \circ \xi : \|\xi\| \le 1\}`. A
unit is *stable* if it keeps its sign there. Of the unstable ones those with :math:`a_i > 0` *agree* and those with
:math:`a_i < 0` *oppose*:

* ``interval``: every unit at its worst on its own;
* ``line``: one pass of lines, a chord above each opposing unit, the line z or 0 below each agreeing one (CROWN);
* ``lp``: the best lines below the agreeing units, which is the triangle relaxation;
* ``exact``: branch and bound on the signs of the opposing units.
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, nets, sweeps
from robustnn_core.convex import losses
from robustnn_core.convex._bounds import Bounds, bounds, stable_units
from robustnn_core.convex.cells import box

__all__ = [
    "METHODS",
    "Bounds",
    "CertifiedAccuracy",
    "WorstCase",
    "certified_accuracy",
    "net_bounds",
    "worst_case_loss",
]

#: From the crudest bound to the exact one.
METHODS = ("interval", "line", "lp", "exact")


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
    found = bounds(net, X, sides, e, norm, method, tol, max_nodes, decide)
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
    stable = bool(stable_units(net, X, e, norm).all())
    if form.labels:
        found = bounds(net, X, y, e, norm, method, tol, max_nodes, None)
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
        down, up = (bounds(net, X, side * ones, e, norm, method, tol, max_nodes, None) for side in (1.0, -1.0))
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
    found = bounds(net, X, y, e, norm, "exact" if exact else "line", tol, max_nodes, 0.0)
    _warn("convex.certified_accuracy", found, tol, stacklevel=4)
    right = int((found.low > 0.0).sum())
    low, _ = sweeps.binomial_interval(right, len(X), 2.0 * confidence - 1.0)
    return CertifiedAccuracy(low, right / len(X), float((found.reached > 0.0).mean()))


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
