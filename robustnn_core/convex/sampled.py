"""The sampled convex program: units that are drawn and cannot turn, only their output weights are learned."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.optimize import linprog

from robustnn_core import blas, checks, nets
from robustnn_core.convex import losses, program, rounding
from robustnn_core.convex.patterns import Patterns

__all__ = ["SampledFit", "fit_sampled"]


@dataclass(frozen=True, eq=False)
class SampledFit:
    """A solution of the program with fixed units.

    Attributes
    ----------
    objective : float
        Of the net, rounded up (see :func:`~robustnn_core.convex.rounding.roundoff`).
    lower_bound : float
        Certified, of the program with these gates, rounded down.
    gap : float
        (objective - lower_bound) / max(|objective|, 1e-12 L(0, y)).
    converged : bool
        The gap is at most the one asked for.
    alpha : ndarray, shape (m,)
        Output weights.
    net : nets.ReLUSum
    """

    objective: float
    lower_bound: float
    gap: float
    converged: bool
    alpha: np.ndarray
    net: nets.ReLUSum


def fit_sampled(X, y, gates, *, beta, loss="squared", gap=1e-6, max_iter=20_000):
    r"""Learn the output weights of given units: a lasso with random features.

    .. math:: \min_\alpha\ L\Big(\sum_i (Xa_i)_+\,\alpha_i,\ y\Big) + \beta\sum_i|\alpha_i|,\qquad |a_i| = 1 .

    Its optimum is at least that of the convex program with the patterns of the same gates.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    gates : array_like, shape (d, m)
        Nonzero; they are divided by their lengths.
    beta : float > 0
    loss : {"squared", "hinge", "logistic"}
        Coordinate descent for the first, inside Newton's method for the last; a linear program for the hinge.
    gap : float > 0
        Wanted: the relative gap at which to stop.
    max_iter : int >= 1
        Sweeps over the units.

    Returns
    -------
    SampledFit

    Warns
    -----
    ConvergenceWarning
        The gap is above the one asked for: see ``converged``.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import fit_sampled
    >>> found = fit_sampled(np.eye(2), [1.0, -2.0], np.eye(2), beta=0.5)
    >>> found.alpha, round(found.objective, 12)  # each weight is shrunk by beta
    (array([ 0.5, -1.5]), 1.25)
    """
    gates = checks.squarable(checks.array(gates, "gates", shape=("d", "m")), "gates", axis=0)
    length = np.linalg.norm(gates, axis=0)
    if not length.all():
        raise ValueError(
            f"gates has the zero column {int(np.flatnonzero(length == 0.0)[0])}; give every unit a direction"
        )
    gates = gates / length
    gap = checks.number(gap, "gap", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    one = Patterns(np.ones((len(np.atleast_2d(X)), 1), dtype=bool), np.ones((gates.shape[0], 1)))
    X, y, beta = program.check_problem(X, y, one, beta, loss)
    with blas.single_thread():
        A, long = np.maximum(X @ gates, 0.0), np.linalg.norm(X, axis=1)
        # the solvers see y and A of size one: powers of two, so nothing is rounded
        loss = losses.get(loss)
        unit = 1.0 if loss.labels else rounding.scale_of(y)
        size = rounding.scale_of(A)
        own = loss.scaled(unit)
        room = rounding.roundoff(
            len(X) + len(gates), long
        )  # of a column of A, its gate's length, and a product with it
        given = np.asfortranarray(A / size), y / unit, beta / (unit * size), own, room / size
        alpha, lower = _by_descent(*given, gap, max_iter) if loss.pieces(y) is None else _by_program(*given)
        alpha = alpha * (unit / size)
        used = alpha != 0.0
        weights = (gates * np.abs(alpha)).T[used]
        p = np.maximum(X @ weights.T, 0.0) @ np.sign(alpha[used])
        lengths = np.linalg.norm(weights, axis=1)
        terms = len(gates) + len(lengths)
        slack = rounding.roundoff(terms, long * lengths.sum())
        objective = program.objective_ceiling(
            loss,
            y,
            beta,
            p,
            slack,
            np.maximum(lengths, np.abs(alpha[used])) * (1.0 + rounding.roundoff(len(gates), 1.0)),
        )
    lower = program.below(max(lower * unit**2, 0.0), objective)
    reached = program.relative_gap(objective, lower, loss, y)
    net = nets.ReLUSum(weights, np.sign(alpha[used])) if used.any() else nets.ReLUSum(np.zeros((1, X.shape[1])), [1.0])
    if not reached <= gap:
        remedy = "raise max_iter or gap; the bracket is valid"
        checks.warn_unconverged("convex.fit_sampled", f"gap {reached:.2g}", f"gap = {gap:.2g}", remedy)
    return SampledFit(objective, lower, reached, bool(reached <= gap), alpha, net)


def _bracket(A, y, alpha, z, beta, loss, room):
    """The objective, and the certified bound of the dual point nearest to z; ``room``: of rounding, point by point."""
    objective = loss.value(A @ alpha, y) + beta * float(np.abs(alpha).sum())
    z = loss.clip(z, y)
    rho = float(np.abs(z @ A).max()) + float(np.abs(z) @ room)
    top = (1.0 - 4.0 * rounding.UNIT) * beta / rho if rho > 0.0 else 1.0
    return objective, loss.scale(z, y, top)[1]


def _by_descent(A, y, beta, loss, room, gap, max_iter):
    n, m = A.shape
    alpha, best, lower = np.zeros(m), None, -np.inf
    p, done = np.zeros(n), 0
    while True:
        slope, curve = loss.slope(p, y), loss.curvature(p, y)
        objective, bound = _bracket(A, y, alpha, -slope, beta, loss, room)
        lower = max(lower, bound)
        if best is None or objective < best[1]:
            best = alpha.copy(), objective
        if program.relative_gap(best[1], lower, loss, y) <= 0.99 * gap or done >= max_iter:
            return best[0], lower
        # a model of second order around p, solved by coordinates; for the squared loss it is the program itself
        sweeps = 20
        new = alpha.copy()
        _descend(A, curve, slope, new, beta, sweeps)
        done += sweeps
        share = 1.0
        while not loss.quadratic and share > 1e-6:
            trial = alpha + share * (new - alpha)
            if loss.value(A @ trial, y) + beta * np.abs(trial).sum() <= objective:
                break
            share *= 0.5
        alpha = alpha + share * (new - alpha) if share < 1.0 else new
        p = A @ alpha


@njit(cache=True)
def _descend(A, curve, slope, alpha, beta, sweeps):
    """Coordinate descent on slope.(A da) + .5 |A da|^2_curve + beta |alpha|_1; ``alpha`` is changed in place."""
    n, m = A.shape
    r = slope.copy()
    square = np.empty(m)
    for j in range(m):
        s = 0.0
        for k in range(n):
            s += curve[k] * A[k, j] * A[k, j]
        square[j] = s
    for _ in range(sweeps):
        for j in range(m):
            if square[j] == 0.0:
                continue
            g = 0.0
            for k in range(n):
                g += A[k, j] * r[k]
            old = alpha[j]
            top = square[j] * old - g
            new = np.sign(top) * max(abs(top) - beta, 0.0) / square[j]
            if new != old:
                alpha[j] = new
                for k in range(n):
                    r[k] += curve[k] * (new - old) * A[k, j]


def _by_program(A, y, beta, loss, room):
    n, m = A.shape
    slopes, offsets, weight = loss.pieces(y)
    rows = slopes[:, None] * A
    found = linprog(
        np.r_[np.full(2 * m, beta), np.full(n, weight)],
        A_ub=np.c_[rows, -rows, -np.eye(n)],
        b_ub=-offsets,
        bounds=(0.0, None),
        method="highs",
    )
    if found.status != 0:
        raise RuntimeError(f"the linear program of the {loss.name} loss failed: {found.message}")
    alpha = found.x[:m] - found.x[m : 2 * m]
    return alpha, _bracket(A, y, alpha, slopes * found.ineqlin.marginals, beta, loss, room)[1]
