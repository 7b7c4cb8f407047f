r"""Convex adversarial training in which units may bend inside the boxes.

For a net :math:`f = \sum_i s_i(u_i^\top x)_+` and slopes :math:`c_{ik}\in[0,1]`, with :math:`q_k=\sum_is_ic_{ik}u_i`,

.. math:: y_kf(x_k+\delta) \ge m_k(U) = y_kq_k^\top x_k - \|e\circ q_k\|_1 - \sum_{i:\,s_iy_k=-1}
    \max\{0,\ (1-c_{ik})(x_k^\top u_i + \|e\circ u_i\|_1),\ c_{ik}(\|e\circ u_i\|_1 - x_k^\top u_i)\}

for every move in the box: :math:`z_+\ge cz` for the units that agree with the label,
:math:`z_+\le cz + \max((1-c)z, -cz)` for those that oppose it. Every :math:`m_k` is
concave in U, so training U on it is one convex program; for moves in a ball the norms are
:math:`\|e\circ\cdot\|_2`. Between programs the slopes become the chords at the net just found.
"""

import time
from dataclasses import dataclass

import numpy as np

from robustnn_core import blas, checks, nets
from robustnn_core.convex import interior, losses
from robustnn_core.convex._bending import Bending
from robustnn_core.convex._bending_rows import Rows, lengths, risk
from robustnn_core.convex.bracket import Bracket
from robustnn_core.convex.cells import box
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.rounding import roundoff
from robustnn_core.trace import Trace

__all__ = ["BendingFit", "bending_margins", "fit_bending"]

#: Units shorter than this share of the longest have no slopes of their own: the old ones stay.
SHORT = 1e-6


@dataclass(frozen=True, eq=False)
class BendingFit:
    """A net and the certificate that it was trained on.

    Attributes
    ----------
    net : nets.ReLUSum
    objective : float
        Certified: the worst loss of ``net`` over the boxes plus beta times its lengths is at most this.
    lower_bound : float
        No units have a smaller value in the last convex program, with the slopes that it had. The slopes are chosen
        anew after it, so ``objective`` can be smaller.
    gap : float
        The largest relative gap of a convex program on the way.
    converged : bool
        gap <= the gap asked for.
    margins : ndarray, shape (n,)
        Certified lower bound of y f over each box (hinge, logistic), or upper bound of |f - y| (squared).
    slopes : ndarray, shape (n, m) or (2n, m)
        Of ``weights``; for the squared loss those of the bound from above, then those of the bound from below.
    weights, signs : ndarray, shape (m, d) and (m,)
        All units, also those that are zero: ``net`` has the others.
    radius : ndarray, shape (d,)
    norm, loss : str
    beta : float
    trace : Trace
        One row for the start and one a round: ``seconds``, ``objective`` (never rises), ``lower_bound``.
    """

    net: nets.ReLUSum
    objective: float
    lower_bound: float
    gap: float
    converged: bool
    margins: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray
    signs: np.ndarray
    radius: np.ndarray
    norm: str
    loss: object
    beta: float
    trace: Trace


def fit_bending(
    X,
    y,
    patterns_or_net,
    *,
    radius,
    beta,
    bias=None,
    norm="linf",
    loss="hinge",
    slopes=None,
    rounds=1,
    gap=1e-3,
    max_iter=60,
    progress=False,
):
    r"""Train a two-layer ReLU net against a box or a ball; units may change their sign inside.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points; the caller appends the column of ones of a bias, and names it.
    y : array_like, shape (n,)
        Labels +-1, or numbers for the squared loss.
    patterns_or_net : Patterns or nets.ReLUSum
        Patterns give two units each, one of each sign, with the pattern as their slopes; nothing is screened. A net
        gives its units and their chords; the result is never worse than the net's own certificate.
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.
    beta : float > 0
    norm : {"linf", "l2"}
        Moves :math:`e\circ\xi` with :math:`\|\xi\|_\infty\le1` or :math:`\|\xi\|_2\le1`.
    loss : {"hinge", "logistic", "squared"}
    slopes : array_like in [0, 1], shape (n, m) or (2n, m) for the squared loss, optional
        First slopes, instead of patterns or chords.
    rounds : int >= 1
        Convex programs. Each starts with the chords of the net before it, where they give a point a larger margin.
    gap : float > 0
        Wanted relative gap of every convex program.
    max_iter : int >= 1
        Of a program.
    progress : bool
        Print a line a round.

    Returns
    -------
    BendingFit

    Raises
    ------
    ValueError
        Bad input; patterns of other points; slopes outside [0, 1]; a radius that moves the bias.

    Warns
    -----
    ConvergenceWarning
        A program stopped with a larger gap.

    Notes
    -----
    An iteration costs :math:`O(n(md)^2 + (md)^3)` for m units. The alternation is not globally optimal. With
    the patterns as slopes the optimum is at most that of the robust program on the same patterns (:func:`fit_robust`).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import convex
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> patterns = convex.Patterns([[0, 1], [0, 1], [1, 1]], [[1.0, 0.0], [-0.7, 1.0]])
    >>> f = convex.fit_bending(X, [-1, -1, 1], patterns, radius=0.1, beta=1e-3, bias=1, rounds=2)
    >>> f.converged, bool(f.objective < 0.01), bool((np.diff(f.trace.objective) <= 0).all())
    (True, True, True)
    """
    X, y, e, form = _checked(X, y, radius, bias, norm, loss)
    beta = checks.number(beta, "beta", above=0.0, remedy="without the penalty there is no lower bound")
    rounds = checks.integer(rounds, "rounds", at_least=1)
    gap = checks.number(gap, "gap", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    U, signs, first = _started(X, patterns_or_net)
    rows = Rows(X, signs, form.robust(y).signs, e, norm)
    first = rows.chords(U)[0] if first is None else np.tile(first, (rows.count // len(X), 1))
    if slopes is not None:
        first = checks.array(slopes, "slopes", shape=first.shape)
        if first.min() < 0.0 or first.max() > 1.0:
            bad = first.min() if first.min() < 0.0 else first.max()
            raise ValueError(f"slopes contains {bad}; a slope lies in [0, 1]")
    used = X.any(axis=0) | ~X.any()  # a column of zeros only costs: its weights are 0
    U = U * used
    with blas.single_thread():
        return _rounds(rows, first, U, y, beta, form, rounds, gap, max_iter, progress, used)


def bending_margins(net, X, y, *, radius, slopes=None, bias=None, norm="linf"):
    """Return m_k of every point: what y f is at least over the box, by one line for each unit.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (n, d)
    y : array_like of +-1, shape (n,)
    radius, bias, norm
        See :func:`fit_bending`.
    slopes : array_like in [0, 1], shape (n, m), optional
        Default: the chords.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> net = nets.ReLUSum([[1.0]], [-1])
    >>> convex.bending_margins(net, [[0.0]], [1], radius=1.0)
    array([-1.])
    """
    X, y, e, _ = _checked(X, y, radius, bias, norm, "hinge")
    U, signs, _ = _started(X, net)
    rows = Rows(X, signs, y[None], e, norm)
    if slopes is None:
        slopes = _better(rows, U, *rows.chords(U))
    slopes = checks.array(slopes, "slopes", shape=rows.oppose.shape)
    if slopes.min() < 0.0 or slopes.max() > 1.0:
        bad = slopes.min() if slopes.min() < 0.0 else slopes.max()
        raise ValueError(f"slopes contains {bad}; a slope lies in [0, 1]")
    return rows.margins(U, slopes)


# ---------------------------------------------------------------------------------------------------


def _checked(X, y, radius, bias, norm, loss):
    X = checks.array(X, "X", shape=("n", "d"))
    form = losses.get(loss)
    y = checks.signs(y, "y", length=len(X)) if form.labels else checks.array(y, "y", shape=(len(X),))
    e = box(X, radius, bias=bias)
    checks.choice(norm, "norm", ("linf", "l2"))
    return X, y, e, form


def _started(X, given):
    """Units, signs, and slopes where patterns give them."""
    if isinstance(given, nets.ReLUSum):
        if given.weights.shape[1] != X.shape[1]:
            raise ValueError(
                f"patterns_or_net has units in dimension {given.weights.shape[1]}, X has {X.shape[1]} columns"
            )
        return given.weights, given.signs, None
    if not isinstance(given, Patterns):
        raise ValueError(f"patterns_or_net = {type(given).__name__} must be a convex.Patterns or a nets.ReLUSum")
    active, gates = given.active, given.gates
    if active.shape[0] != len(X) or gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"patterns_or_net has patterns of {active.shape[0]} points in dimension {gates.shape[0]}; "
            f"X has shape {X.shape}"
        )
    score = np.where(active, 1.0, -1.0) * blas.product(X, gates)
    off = (score < -1e-9 * blas.product(np.abs(X), np.abs(gates)).max(axis=0)).any(axis=0)
    if off.any():
        i = int(off.argmax())
        raise ValueError(
            f"patterns_or_net.gates[:, {i}] does not make the pattern active[:, {i}] of X; "
            "give patterns of these points"
        )
    P = given.count
    return np.zeros((2 * P, X.shape[1])), np.repeat([1.0, -1.0], P), np.tile(active.astype(float), (1, 2))


def _rounds(rows, slopes, U, y, beta, loss, rounds, gap, max_iter, progress, used):
    since = time.perf_counter()
    slopes = _better(rows, U, slopes, *rows.chords(U)) if U.any() else slopes
    value = risk(loss, rows.margins(U, slopes), y) + beta * lengths(U)
    trace, worst = [(0.0, value, -np.inf)], 0.0
    for number in range(rounds):
        model = Bending(rows.on(used), slopes, y, beta, loss)
        found = Bracket(value, U[:, used], np.zeros(rows.n), since=since)
        interior.solve(model, found, gap=gap, max_iter=max_iter)
        U = np.zeros_like(U)
        U[:, used] = _pruned(model, found.point)
        slopes = _better(rows, U, slopes, *rows.chords(U))
        value = min(found.upper, risk(loss, rows.margins(U, slopes), y) + beta * lengths(U))
        worst = max(worst, found.gap)
        trace.append((found.seconds, value, found.lower))
        if progress:
            print(f"round {number + 1}: certified {value:.6g}, program {found.upper:.6g} >= {found.lower:.6g}")
    if not worst <= gap:
        checks.warn_unconverged(
            "convex.fit_bending",
            f"gap {worst:.2g} of a program",
            f"gap = {gap:.2g}",
            "raise max_iter or gap; the certified objective holds",
            stacklevel=4,
        )
    units = U.any(axis=1)
    net = nets.ReLUSum(np.zeros((1, U.shape[1])), [1])
    if units.any():
        net = nets.ReLUSum(U[units], rows.signs[units])
    size = (np.abs(rows.X) + rows.e) @ np.abs(U).T
    margins = rows.margins(U, slopes) - roundoff(U.size, size.sum(axis=1))
    objective = (risk(loss, margins, y) + beta * lengths(U)) * (1.0 + roundoff(U.size + rows.n, 1.0))
    if not loss.labels:
        up, down = margins.reshape(2, -1)
        margins = np.maximum(y - down, -up - y)
    seconds, values, lower = np.array(trace).T
    return BendingFit(
        net=net,
        objective=float(objective),
        lower_bound=float(found.lower),
        gap=float(worst),
        converged=bool(worst <= gap),
        margins=margins,
        slopes=slopes,
        weights=U,
        signs=rows.signs,
        radius=rows.e,
        norm=rows.norm,
        loss=loss.name,
        beta=beta,
        trace=Trace(seconds=seconds, objective=values, lower_bound=lower),
    )


def _better(rows, U, old, *others):
    """Row by row the slopes with the largest margin; a unit that is almost zero keeps its old ones."""
    size = np.sqrt((U**2).sum(axis=1))
    best = rows.margins(U, old)
    for new in others:
        new = np.where(size > SHORT * size.max(), new, old)
        margins = rows.margins(U, new)
        old = np.where((margins >= best)[:, None], new, old)
        best = np.maximum(best, margins)
    return old


def _pruned(model, U):
    """Without the units that are zero up to the solver's accuracy, if that is no worse."""
    size = np.sqrt((U**2).sum(axis=1))
    least = model.objective(U)
    for share in (1e-3, 1e-4, 1e-5, 1e-6):
        cut = np.where((size > share * size.max())[:, None], U, 0.0)
        if model.objective(cut) <= least:
            return cut
    return U
