"""Robust training of a sum of signed ReLU units: partition training and DC training.

Both lower the trimmed loss F_h(U), the sum of the h smallest squared residuals of
f(x) = sum_k s_k max(u_k . x, 0), from the same starts, and return the start that got lowest.
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, nets
from robustnn_core.breakdown import _descents
from robustnn_core.trace import Trace

__all__ = ["NetFit", "fit_dc", "fit_partition", "trimmed_loss"]


@dataclass(frozen=True, eq=False)
class NetFit:
    """A trained net.

    Attributes
    ----------
    net : robustnn_core.nets.ReLUSum
        ``.weights`` (K, d), ``.signs`` (K,), ``.predict(X)``.
    objective : float
        The last entry of ``trace.objective``.
    trace : robustnn_core.trace.Trace
        ``trace.objective``, shape (iterations + 1,): the loss of the winning start after every step; it never
        rises. F_h, or the sum of moduli for ``inner="l1"``.
    kept : ndarray of bool, shape (n,)
        The h points with the smallest residuals (all points for "ols" and "l1").
    determined : ndarray of bool, shape (K,)
        False for a unit whose kept active points have rank below d: the data leave it free in part, and in
        those directions it stands where its start put it.
    iterations : int
    winner : int
        Which start won.
    converged : bool
        False if ``max_iter`` (or ``max_inner``) ended the descent of the start that won; a ``ConvergenceWarning``
        has said so.
    """

    net: nets.ReLUSum
    objective: float
    trace: Trace
    kept: np.ndarray
    determined: np.ndarray
    iterations: int
    winner: int
    converged: bool


def trimmed_loss(net, X, y, *, keep):
    """F_h: the sum of the ``keep`` smallest squared residuals of a net; a float is a share of the points.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    keep : int, or float share in (0, 1]
        h.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.breakdown import trimmed_loss
    >>> trimmed_loss(nets.ReLUSum([[1.0]], [1]), [[1.0], [2.0], [-1.0]], [1.0, 3.0, 7.0], keep=2)
    1.0
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(X.shape[0],))
    h = checks.count(keep, "keep", of=y.size)
    return float(np.sort((y - net.predict(X)) ** 2)[:h].sum())


def fit_partition(
    X,
    y,
    *,
    signs,
    keep=None,
    inner="threshold",
    form="joint",
    init="elemental",
    start=None,
    starts=8,
    seed,
    max_iter=200,
    tol=None,
    threads=1,
):
    """Train by alternating the partition of the input space, the kept set, and a linear regression.

    On a cell of the partition the net is linear in its units, so a least-squares fit of the kept points is
    a full Gauss-Newton step; a step that would not lower the loss is halved.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Of full column rank; n > K d.
    y : array_like, shape (n,)
    signs : array_like, shape (K,)
        The signs s_k of the output weights, +1 or -1.
    keep : int, or float share in (0, 1], optional
        h, K d < h <= n; default 3n/4 (rounded up), the coverage with the best guarantee for one unit. Of
        several exact fits of h points the one that fits most points is returned. Only for ``inner="threshold"``.
    inner : {"threshold", "l1", "ols"}
        Keep the h smallest residuals; or least absolute deviations; or all points (breakdown point 0).
    form : {"joint", "regions"}
        One lifted least-squares problem in all units; or (with ``inner="threshold"``) a robust regression
        in every region followed by :func:`~robustnn_core.breakdown.regions.infer`, the original form of the algorithm.
    init : {"elemental", "random"}
        How to start. "elemental": one unit is found by least trimmed squares on slices of {s y > 0}; several
        units first by random starts (half of ``starts``, they are cheap) and, unless one of those fits the kept
        points exactly, from linear pieces.
    start : array_like, shape (S, K, d), optional
        Nets to start from, in place of those that ``init``, ``starts`` and ``seed`` make.
    starts : int >= 1
        How many starts of a kind are trained at most.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    max_iter : int >= 1
        Bound on the steps of one start.
    tol : float >= 0, optional
        Stop when a step lowers the loss by less than this fraction; default 1e-10, and 1e-6 for ``inner="l1"``.
    threads : int >= 1
        The answer does not depend on it.

    Returns
    -------
    NetFit

    Raises
    ------
    ValueError
        Ragged or non-finite data, keep outside (K d, n], signs not +-1, fewer points than parameters,
        rank-deficient design.

    References
    ----------
    In the book: *Partition training*.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown import fit_partition
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> y[X[:, 0] > 1.0] *= 3.0
    >>> fit_partition(X, y, signs=[1], keep=45, seed=0).net.weights.round(9) + 0.0
    array([[1., 0.]])
    """
    inner = checks.choice(inner, "inner", ("threshold", "l1", "ols"))
    form = checks.choice(form, "form", ("joint", "regions"))
    if form == "regions" and inner != "threshold":
        raise ValueError(f"form = 'regions' trims in every region; use inner = 'threshold', not {inner!r}")
    tol = (1e-6 if inner == "l1" else 1e-10) if tol is None else tol
    problem = _descents.Problem(X, y, signs, keep, inner, init, start, starts, seed, max_iter, tol, threads)
    descend = _descents.partition if form == "joint" else _descents.region_wise
    return _fit("fit_partition", problem, _descents.least_absolute if inner == "l1" else descend)


def fit_dc(
    X,
    y,
    *,
    signs,
    keep=None,
    inner="threshold",
    init="elemental",
    start=None,
    starts=8,
    seed,
    max_iter=200,
    tol=1e-10,
    max_inner=30,
    threads=1,
):
    """Train by majorising: write the loss as squares of a difference of convex functions, linearise the subtracted one.

    The majoriser is convex and piecewise quadratic, touches the loss at the current units and lies above
    it, so the trimmed loss never rises; it is minimised by a damped Newton method that is safeguarded by
    the smallest subgradient at kinks.

    Parameters
    ----------
    X, y, signs, keep, init, start, starts, seed, max_iter, tol, threads
        As for :func:`fit_partition`.
    inner : {"threshold", "ols"}
    max_inner : int >= 1
        Bound on the Newton steps for one majoriser.

    Returns
    -------
    NetFit

    References
    ----------
    In the book: *DC training*.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown import fit_dc
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> y[X[:, 0] > 1.0] *= 3.0
    >>> fit_dc(X, y, signs=[1], keep=45, seed=0).net.weights.round(9) + 0.0
    array([[1., 0.]])
    """
    inner = checks.choice(inner, "inner", ("threshold", "ols"))
    max_inner = checks.integer(max_inner, "max_inner", at_least=1)
    problem = _descents.Problem(X, y, signs, keep, inner, init, start, starts, seed, max_iter, tol, threads)
    return _fit("fit_dc", problem, lambda problem, U: _descents.dc(problem, U, max_inner))


def _fit(name, problem, descend):
    """Descend from every start and pack the winner; say to the caller of ``name`` if it stopped short."""
    best, winner = problem.best(descend)
    losses, steps = best.losses, len(best.losses) - 1
    if not best.converged:
        checks.warn_unconverged(
            f"breakdown.{name}",
            f"the loss still falls after {steps} steps (from {losses[-2]:.6g} to {losses[-1]:.6g} in the last)"
            if steps == problem.max_iter
            else f"the majoriser of step {steps} is not at its minimum",
            f"a step that lowers it by less than tol = {problem.tol:.3g} of itself",
            f"raise max_iter = {problem.max_iter}" + (" or max_inner" if name == "fit_dc" else ""),
            stacklevel=4,
        )
    X, d = problem.X, problem.X.shape[1]
    seen = [X[best.kept & active] for active in (X @ best.U.T > 0.0).T]
    determined = np.array([len(rows) > 0 and np.linalg.matrix_rank(rows) == d for rows in seen])
    net = nets.ReLUSum(best.U, problem.signs)
    trace = Trace(objective=losses)
    return NetFit(net, float(losses[-1]), trace, best.kept, determined, steps, winner, best.converged)
