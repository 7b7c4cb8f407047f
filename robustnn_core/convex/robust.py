r"""Convex adversarial training: the worst case of a box, in closed form and with a certificate.

Every coordinate j of every training point may move by at most :math:`e_j`. With :math:`q_k = \sum_i d_{ik}(v_i - w_i)`,

.. math:: \min_{v,w}\ \tfrac1n\sum_k\ell\big(y_kq_k^\top x_k - \|e\circ q_k\|_1\big) + \beta\sum_i(\|v_i\|+\|w_i\|)
    \quad\text{s.t. } (2D_i-I)Xv_i \ge \|e\circ v_i\|_1,\ (2D_i-I)Xw_i \ge \|e\circ w_i\|_1 ,

for the hinge and the logistic loss; :math:`\tfrac12\sum_k(|q_k^\top x_k-y_k|+\|e\circ q_k\|_1)^2` for the squared one.
At a feasible point no unit changes its pattern anywhere in the box, so the first term *is* the worst loss of the net.

The solver is a primal-dual interior point method. Every block has its own d x d matrix; the blocks meet in
V - W only, one system of size P d.
"""

import time
from dataclasses import dataclass

import numpy as np

from robustnn_core import blas, checks
from robustnn_core.convex import _robust, interior, losses, program
from robustnn_core.convex.bracket import Bracket
from robustnn_core.convex.cells import box, flat_block, robust_margin
from robustnn_core.convex.patterns import Patterns, check_patterns
from robustnn_core.convex.program import Fit, below, recover_net, relative_gap
from robustnn_core.convex.rounding import roundoff

__all__ = ["RobustFit", "check_data", "fit_robust", "fit_robust_linear"]

#: A robust margin is above 1 if it is so by this much: less is within a linear program's own tolerance.
STRICT = 1e-7


@dataclass(frozen=True, eq=False)
class RobustFit(Fit):
    """A feasible point of the robust program, with its certificate: a :class:`Fit` and four more fields.

    Attributes
    ----------
    radius : ndarray, shape (d,)
        e, 0 for the bias.
    worst_loss : float
        The worst loss of ``net`` when every training point moves inside its box: exact, rounded up by a few units.
    screened : ndarray of bool, shape (P,)
        Patterns that cannot carry a block: their blocks are zero.
    adversary : ndarray, shape (n, d)
        The moves of the dual solution, inside the box: for the hinge and the logistic loss, its weights on the moved
        points give ``lower_bound``; for the squared one they are the mean of the two moves a point may mix.
    """

    radius: np.ndarray = None
    worst_loss: float = np.nan
    screened: np.ndarray = None
    adversary: np.ndarray = None


def fit_robust(X, y, patterns, *, beta, radius, bias=None, loss="hinge", gap=1e-3, max_iter=100):
    r"""Train a two-layer ReLU net against a box, to a certified optimum of the robust convex program.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points; the caller appends the column of ones of a bias, and names it.
    y : array_like, shape (n,)
        Labels +-1, or numbers for the squared loss.
    patterns : Patterns
        Patterns of X. Those that no unit can keep over the box are screened out.
    beta : float > 0
    radius : float >= 0 or array_like, shape (d,)
        Of every column but ``bias``, or a vector that is taken as it is: see :func:`box`.
    bias : int, optional
        Index of the column that never moves; None: every column moves.
    loss : {"hinge", "logistic", "squared"}
    gap : float > 0
        Wanted: the relative gap between the objective and its lower bound.
    max_iter : int >= 1

    Returns
    -------
    RobustFit

    Raises
    ------
    ValueError
        Bad input; patterns of other points; a radius that no pattern survives (it says which would).

    Warns
    -----
    ConvergenceWarning
        The gap is above the one asked for: see ``converged``.

    Notes
    -----
    An iteration costs :math:`O(P^2nd^2 + (Pd)^3)`. Every block of the solver needs a point strictly inside its robust
    cone, a robust margin t* above 1 (a number without a unit: see :func:`robust_margins`). A pattern below 1 is
    screened if no block along the columns that stay is feasible: its blocks are provably zero. What is left (t* = 1,
    or a block along such columns at any margin) is kept as an edge case: its blocks stay zero in the result, and the
    lower bound accounts for any value they could take.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import Patterns, fit_robust
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> patterns = Patterns([[0, 1], [0, 1], [1, 1]], [[1.0, 0.0], [-0.7, 1.0]])
    >>> f = fit_robust(X, [-1, -1, 1], patterns, beta=1e-3, radius=0.1, bias=1)
    >>> f.converged, bool(f.worst_loss < 0.01), bool(f.lower_bound <= f.objective)
    (True, True, True)
    """
    return _train("convex.fit_robust", X, y, patterns, beta, radius, bias, loss, gap, max_iter)


def _train(function, X, y, patterns, beta, radius, bias, loss, gap, max_iter):
    X, y, beta, loss = check_data(X, y, beta, loss)
    e = box(X, radius, bias=bias)
    gap = checks.number(gap, "gap", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    check_patterns(X, patterns)
    clock = time.perf_counter()
    moved, used = e, (X != 0).any(axis=0)  # a column of zeros only costs: its weights are 0
    if used.any():
        X, e = X[:, used], e[used]
    else:
        used[:] = True
    inner, state, ratio = _interiors(X, Patterns(patterns.active, patterns.gates[used]), e)
    passes, edge = state > 0, state == 0
    if not passes.any():
        raise ValueError(_none_left(patterns.count, edge, ratio))
    with blas.single_thread():
        model = _robust.Robust(
            X, y, e, patterns.active.T[passes], patterns.active.T[edge], inner[:, passes].T, beta, loss
        )
        nothing = np.zeros((2 * int(passes.sum()), X.shape[1]))
        bracket = Bracket(model.value(nothing)[0], nothing, (np.zeros(len(X)), np.zeros_like(X)), since=clock)
        interior.solve(model, bracket, gap=0.9 * gap, max_iter=max_iter)
        model.pruned(bracket)
    P, d = patterns.count, len(used)
    v, w = np.zeros((d, P)), np.zeros((d, P))
    half = passes.sum()
    U, moves = np.zeros((2 * half, d)), np.zeros((len(X), d))
    U[:, used], moves[:, used] = bracket.point, bracket.dual[1]
    v[:, passes], w[:, passes] = U[:half].T, U[half:].T
    p, slack = _reach(X, e, patterns.active[:, passes], bracket.point)
    lengths = np.linalg.norm(bracket.point, axis=1)
    objective = program.objective_ceiling(loss, y, beta, p, slack, lengths)  # at least the exact one
    lower = below(bracket.lower, objective)
    reached = relative_gap(objective, lower, loss, y)
    if not reached <= gap:
        remedy = "raise max_iter or gap"
        if edge.any():
            remedy = f"{int(edge.sum())} of the cones have no inner point and get no block: drop them or shrink radius"
        found = f"gap {reached:.2g} after {len(bracket.rows)} iterations"
        checks.warn_unconverged(function, found, f"gap = {gap:.2g}", f"{remedy}; the bracket is valid", stacklevel=4)
    return RobustFit(
        objective=objective,
        lower_bound=lower,
        gap=reached,
        converged=bool(reached <= gap),
        v=v,
        w=w,
        patterns=patterns,
        loss=loss,
        beta=beta,
        dual=bracket.dual[0],
        net=recover_net(v, w),
        trace=bracket.trace(),
        method="robust interior point",
        radius=moved,
        worst_loss=program.objective_ceiling(loss, y, 0.0, p, slack, lengths),
        screened=~(passes | edge),
        adversary=moves,
    )


def _reach(X, e, active, U):
    """The predictions of the blocks (n,) and how far a box may move them, rounding included."""
    seen, half = active.astype(np.float64), len(U) // 2
    q = blas.product(seen, U[:half] - U[half:])
    size = blas.product(seen, np.abs(U[:half]) + np.abs(U[half:]))
    p, spread = (X * q).sum(axis=1), (e * np.abs(q)).sum(axis=1)
    return p, spread + roundoff(X.shape[1] + 2 * half, ((np.abs(X) + e) * size).sum(axis=1))


def fit_robust_linear(X, y, *, beta, radius, bias=None, loss="hinge", gap=1e-3, max_iter=100):
    """Train with the single pattern "every unit sees every point": the control that any net has to beat.

    On the box around the training points the result is a linear model. It is not ridge regression: it pays
    beta (|v| + |w|) for q = v - w, and both v and w have to be positive on every box.

    Parameters
    ----------
    X, y, beta, radius, bias, loss, gap, max_iter
        See :func:`fit_robust`; some unit has to see all points, as a bias of ones does.

    Returns
    -------
    RobustFit

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import fit_robust_linear
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> fit_robust_linear(X, [-1, -1, 1], beta=1e-3, radius=0.1, bias=1).worst_loss < 0.01
    True
    """
    X = checks.array(X, "X", shape=("n", "d"))
    e = box(X, radius, bias=bias)
    margin, gate = robust_margin(X, np.ones(len(X), dtype=bool), e)
    if not margin > 1.0:
        raise ValueError(
            f"no unit sees every box of radius = {radius}: their robust margin is {margin:.3g}, not above 1; "
            "append a column of ones and name it as bias, or shrink radius"
        )
    all_on = Patterns(np.ones((len(X), 1)), gate[:, None])
    return _train("convex.fit_robust_linear", X, y, all_on, beta, radius, bias, loss, gap, max_iter)


def check_data(X, y, beta, loss):
    """Return the data of a problem with boxes as arrays, beta and the Loss, or say what is wrong with them."""
    X = checks.array(X, "X", shape=("n", "d"))
    loss = losses.get(loss)
    y = checks.signs(y, "y", length=len(X)) if loss.labels else checks.array(y, "y", shape=(len(X),))
    beta = checks.number(beta, "beta", above=0.0)
    program.check_sizes({"a row of X": np.abs(X).max(axis=1), "y": np.abs(y).max(), "beta": beta})
    return X, y, beta, loss


def _interiors(X, patterns, e):
    """A unit vector inside each robust cone (d, P), its state (1: strictly inside, 0: an edge case, -1: no block), t*.

    The state is decided on t* alone. Where the gate itself is well inside its t* is not computed, but its own margin.
    """
    P, d = patterns.count, X.shape[1]
    inner, state, ratio = np.zeros((d, P)), np.zeros(P), np.zeros(P)
    size = np.linalg.norm(X, axis=1)
    for i in range(P):
        sign, gate = np.where(patterns.active[:, i], 1.0, -1.0), patterns.gates[:, i]
        score, spread = sign * (X @ gate), e @ np.abs(gate)
        least, length = score.min(), np.linalg.norm(gate)
        if least < -1e-9 * (np.abs(X) @ np.abs(gate)).max():
            raise ValueError(
                f"patterns.gates[:, {i}] does not make the pattern patterns.active[:, {i}] of X; "
                "give patterns of these points"
            )
        if least > 1e-2 * length * size.mean() and spread < 0.8 * least:
            inner[:, i], state[i] = gate / length, 1
            with np.errstate(over="ignore"):  # next to no box: any margin is infinitely many of it
                ratio[i] = least / spread if spread > 0 else np.inf
            continue
        ratio[i], deep = robust_margin(X, patterns.active[:, i], e)
        if ratio[i] > 1.0 + STRICT:
            inner[:, i], state[i] = deep / np.linalg.norm(deep), 1
        elif ratio[i] < 1.0 - STRICT and not flat_block(X, patterns.active[:, i], e):
            state[i] = -1
    return inner, state, ratio


def _none_left(count, edge, ratio):
    """Why there is no block to train, and what would help."""
    best, i = ratio.max(), int(ratio.argmax())
    largest = (
        f"below the scale {best:.3g} of this radius pattern {i} has one" if best > 0 else "no radius > 0 leaves one"
    )
    if edge.any():
        return (
            f"radius leaves none of the {count} patterns a point strictly inside its robust cone ({int(edge.sum())} "
            f"lie on the edge: robust margin 1, or a block along columns that do not move); {largest}. "
            "Shrink radius or sample more patterns"
        )
    advice = "Sample more patterns or shrink radius"
    return f"radius leaves none of the {count} patterns: every block is 0; {largest}. {advice}"
