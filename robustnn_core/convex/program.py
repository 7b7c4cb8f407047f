r"""What every solver of the convex program shares: its data, its losses, its certificates, the net of a solution.

.. math:: \min_{v,w}\ L\Big(\sum_i D_i X(v_i - w_i),\ y\Big) + \beta\sum_i(\|v_i\| + \|w_i\|)
    \quad\text{s.t. } (2D_i - I)Xv_i \ge 0,\ (2D_i - I)Xw_i \ge 0 .
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls

from robustnn_core import checks, nets
from robustnn_core.convex import losses
from robustnn_core.convex.patterns import Patterns, check_patterns
from robustnn_core.convex.rounding import UNIT, roundoff
from robustnn_core.trace import Trace

__all__ = [
    "Fit",
    "below",
    "check_fit",
    "check_problem",
    "check_sizes",
    "lower_bound",
    "objective_ceiling",
    "project",
    "recover_net",
    "relative_gap",
    "upper_bound",
]


@dataclass(frozen=True, eq=False)
class Fit:
    """A feasible point of the convex program, with its certificate.

    Attributes
    ----------
    objective : float
        Of the convex program at (v, w), which is feasible in exact arithmetic, rounded upwards (see
        :func:`roundoff` for the unit): an upper bound of the optimum whatever the rounding.
    lower_bound : float
        A certified lower bound of the optimum *with these patterns*, rounded downwards.
    gap : float
        (objective - lower_bound) / max(|objective|, 1e-12 L(0, y)), the relative gap.
    converged : bool
        The gap is at most the one asked for. Otherwise the budget ran out; the bracket is still valid.
    v, w : ndarray, shape (d, P)
        The blocks of positive and of negative units.
    patterns : Patterns
    loss : str
    beta : float
    dual : ndarray, shape (n,)
        lambda of the lower bound (in the convention of :func:`price`: dual value -L*(-lambda)).
    net : nets.ReLUSum
        One unit for each nonzero block; its own regularised loss is at most ``objective``.
    trace : Trace
        ``seconds``, ``objective``, ``lower_bound`` of each bracket on the way, as the solver saw them: in floating
        point, not rounded outwards.
    method : str
        Which solver ran.
    """

    objective: float
    lower_bound: float
    gap: float
    converged: bool
    v: np.ndarray
    w: np.ndarray
    patterns: Patterns
    loss: str
    beta: float
    dual: np.ndarray
    net: nets.ReLUSum
    trace: Trace = field(repr=False)
    method: str = ""

    @property
    def blocks(self):
        """How many blocks are longer than 1e-4 of the longest: what a solver in floating point calls nonzero."""
        lengths = np.linalg.norm(np.hstack([self.v, self.w]), axis=0)
        return int((lengths > 1e-4 * lengths.max()).sum())


def check_sizes(sizes):
    """Refuse a number or array of ``sizes``, a dict by name, with an entry that is neither 0 nor in 1e-70..1e70.

    Blocks are of the size of y/x and prices of that of y x. Floating point holds the squares of all of them, up to
    1e-14 of their length, and a bound of relative rounding errors needs that.

    Examples
    --------
    >>> from robustnn_core.convex.program import check_sizes
    >>> check_sizes({"y": 1e80})
    Traceback (most recent call last):
        ...
    ValueError: y has size 1e+80, beyond what the rounding bounds hold for; give it in other units (1e-70 to 1e70)
    """
    for name, size in sizes.items():
        for top in np.atleast_1d(size):
            if top != 0.0 and not 1e-70 <= top <= 1e70:
                raise ValueError(
                    f"{name} has size {top:.6g}, beyond what the rounding bounds hold for; give it in other units "
                    "(1e-70 to 1e70)"
                )


def check_problem(X, y, patterns, beta, loss):
    """Return ``X``, ``y``, ``beta`` in the form the solvers want, or say what is wrong with the problem.

    Raises
    ------
    ValueError
        Shapes that do not fit, labels that are not +-1 for ``hinge`` and ``logistic``, beta <= 0, patterns of
        other points, sizes that :func:`check_sizes` refuses.
    """
    X = checks.array(X, "X", shape=("n", "d"))
    y = checks.array(y, "y", shape=(X.shape[0],))
    loss = losses.get(loss)
    beta = checks.number(beta, "beta", above=0.0, remedy="without the penalty the certificates do not hold")
    check_sizes({"a row of X": np.abs(X).max(axis=1), "y": np.abs(y).max(), "beta": beta})
    if loss.labels and not (np.abs(y) == 1.0).all():
        bad = y[np.abs(y) != 1.0][0]
        raise ValueError(
            f"y contains {bad}; loss = {loss.name!r} needs labels +1 and -1 (loss = 'squared' takes any number)"
        )
    check_patterns(X, patterns)
    return X, y, beta


def check_fit(X, y, fit):
    """Return ``X``, ``y`` as arrays and the objective of ``fit`` evaluated on them, or say why it is not of these data.

    Raises
    ------
    ValueError
        Not a Fit, one of the robust program, one of other data: its objective is not what its blocks give here.
    """
    if not isinstance(fit, Fit):
        raise ValueError(f"fit = {fit!r} must be a Fit; make it by convex.fit(X, y, patterns, beta=...)")
    if getattr(fit, "radius", None) is not None and np.any(fit.radius):
        raise ValueError(
            f"fit has radius up to {np.max(fit.radius):.6g}, it is of the robust program; give the result of convex.fit"
        )
    X, y, beta = check_problem(X, y, fit.patterns, fit.beta, fit.loss)
    objective = upper_bound(X, y, fit.patterns, beta, fit.loss, fit.v, fit.w)[2]
    if not abs(relative_gap(objective, fit.objective, fit.loss, y)) <= 1e-9:
        raise ValueError(
            f"fit has objective = {fit.objective!r}, its blocks give {objective!r} on these X and y; "
            "give the data it was fitted to"
        )
    return X, y, max(objective, fit.objective)


def relative_gap(objective, lower, loss, y):
    """Return (objective - lower) / max(|objective|, 1e-12 L(0, y)): the same whatever the units of y.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.program import relative_gap
    >>> relative_gap(1.5e-16, 1e-16, "squared", np.array([2e-8]))
    0.3333333333333333
    """
    if objective == lower:
        return 0.0
    return (objective - lower) / max(abs(objective), 1e-12 * losses.get(loss).value(np.zeros(len(y)), y))


def below(lower, objective):
    """Return the lower bound of a bracket, at most ``objective``: only rounding may be taken off it.

    Raises
    ------
    RuntimeError
        A bound above the objective by more than 1e-9 of it: one of the two is wrong, and no bracket is honest.

    Examples
    --------
    >>> from robustnn_core.convex.program import below
    >>> below(1.0 + 1e-13, 1.0)
    1.0
    """
    if lower - objective > 1e-9 * abs(objective):
        raise RuntimeError(
            f"the bracket is inverted: lower bound {lower!r} above the objective {objective!r}; please report it"
        )
    return min(lower, objective)


def objective_ceiling(loss, y, beta, p, slack, lengths):
    """Return a number that is at least L(p, y) + beta sum(lengths) in exact arithmetic, more by a few units.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Predictions.
    slack : ndarray, shape (n,)
        How far they may be from the exact ones.
    lengths : ndarray, shape (B,)
        Norms of the blocks, right up to 8 units.
    """
    loss = losses.get(loss)
    value = loss.total(loss.worst(p, slack + 2.0 * UNIT * np.abs(p), y))
    return (value + beta * float(lengths.sum())) * (1.0 + roundoff(len(y) + len(lengths), 1.0))


def upper_bound(X, y, patterns, beta, loss, v, w):
    """Return blocks feasible in exact arithmetic, the given ones where they are, and an upper bound of their objective.

    A block with a row of its cone within :func:`roundoff` of 0 is moved along its gate by twice that; where the gate
    has no such margin the block is set to zero.
    """
    active = patterns.active
    sides, size = np.where(active, 1.0, -1.0), np.linalg.norm(X, axis=1)
    seen = size > 0.0
    v, w = np.array(v, dtype=np.float64, order="C"), np.array(w, dtype=np.float64, order="C")
    for U in (v, w) if seen.any() else ():
        need = _missing(X[seen], sides[seen], size[seen], U)
        for i in np.flatnonzero(need > 0.0):
            A, side = X[seen], sides[seen, i]
            gate = patterns.gates[:, i]
            margin = (side * (A @ gate) / size[seen]).min()
            u = U[:, i]
            for _ in range(3):
                if not margin > 0.0:
                    break
                u = u + (2.0 * need[i] / margin) * gate
                left = _missing(A, side[:, None], size[seen], u[:, None])[0]
                if left <= 0.0:
                    break
                need[i] = left
            U[:, i] = u if margin > 0.0 and left <= 0.0 else 0.0
    p = (active * (X @ v)).sum(axis=1) - (active * (X @ w)).sum(axis=1)
    total = (active * (np.abs(X) @ (np.abs(v) + np.abs(w)))).sum(axis=1)
    lengths = np.linalg.norm(np.hstack([v, w]), axis=0)
    slack = roundoff(X.shape[1] + 2 * patterns.count, total)
    return v, w, objective_ceiling(loss, y, beta, p, slack, lengths * (1.0 + roundoff(X.shape[1], 1.0)))


def _missing(A, sides, size, U):
    """How much the least row of each block, divided by |x_k|, lacks to be >= 0 beyond doubt (<= 0: nothing)."""
    S = sides * (A @ U) / size[:, None]
    room = roundoff(A.shape[1], np.linalg.norm(U, axis=0))
    return np.where(U.any(axis=0), room - S.min(axis=0), 0.0)


def project(Z, g):
    r"""Return mu >= 0 that makes |g + Z^T mu| small: of the rows Z of a cone {u : Z u >= 0}.

    Any mu >= 0 bounds max {g.u : Z u >= 0, |u| <= 1} by that length.
    """
    length = np.linalg.norm(g)
    try:
        return nnls(Z.T, -g / length)[0] * length if length > 0.0 else np.zeros(len(Z))
    except RuntimeError:  # its iterations ran out
        return np.zeros(len(Z))


def lower_bound(X, y, patterns, beta, loss, dual, claim, *, fine, multipliers=None):
    r"""Return lambda and a lower bound of the program's optimum that holds in exact arithmetic.

    Any :math:`\mu_b \ge 0` bound the price of a block by :math:`|F_b^\top\lambda + G_b^\top\mu_b|`, up to a rounding of
    at most :func:`roundoff` of :math:`\sum_k(|\lambda_k| + \mu_{bk})|x_k|`. Those of the solver are evaluated here on X
    itself. Lambda is shrunk by what the dearest block costs; where that is more than ``fine``, the multipliers are
    computed anew, block by block.

    Parameters
    ----------
    dual : ndarray, shape (n,)
    claim : float
        The solver's lower bound.
    fine : float
        What rounding may cost before more work is done for it.
    multipliers : ndarray, shape (2, P, m), optional
        Of the rows that are not zero, for v and for w.
    """
    n, d = X.shape
    lam = losses.get(loss).clip(dual, y)
    sides, size = np.where(patterns.active, 1.0, -1.0), np.linalg.norm(X, axis=1)
    seen = size > 0.0
    if not seen.any():
        return lam, max(losses.get(loss).floor(lam, y), 0.0)
    Z, sides, size = X[seen] / size[seen, None], sides[seen], size[seen]
    pull = X.T @ (patterns.active * lam[:, None])  # (d, P)
    length, total = np.linalg.norm(pull, axis=0), float(np.abs(lam[seen]) @ size)
    unit = roundoff(n + d, 1.0)
    price = length + unit * total  # mu = 0
    if multipliers is not None:
        mu = np.maximum(multipliers, 0.0)
        own = (sides.T * mu) @ X[seen] + np.stack([pull.T, -pull.T])
        price = np.minimum(price, (np.linalg.norm(own, axis=2) + unit * (total + mu @ size)).max(axis=0))

    def scaled():
        top = beta / max(price.max(), 1e-300) * (1.0 - 4.0 * UNIT)
        z = losses.get(loss).clip(lam if top >= 1.0 else top * lam, y)
        return z, losses.get(loss).floor(z, y)

    z, value = scaled()
    if claim - value > fine:
        for i in np.flatnonzero(price > beta):
            rows, worst = sides[:, i, None] * Z, 0.0
            for g in (pull[:, i], -pull[:, i]):
                mu = project(rows, g)
                worst = max(worst, float(np.linalg.norm(g + mu @ rows)) + unit * (total + float(mu.sum())))
            price[i] = min(price[i], worst)
        z, value = scaled()
    return (z, value) if value > 0.0 else (np.zeros(n), 0.0)


def recover_net(v, w):
    """Return the :class:`~robustnn_core.nets.ReLUSum` of blocks ``v``, ``w`` (d, P): one unit for each nonzero block.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.program import recover_net
    >>> recover_net(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])).signs
    array([ 1., -1.])
    """
    keep_v, keep_w = (v != 0.0).any(axis=0), (w != 0.0).any(axis=0)
    weights = np.concatenate([v.T[keep_v], w.T[keep_w]])
    if not len(weights):
        return nets.ReLUSum(np.zeros((1, v.shape[0])), [1.0])
    return nets.ReLUSum(weights, np.repeat([1.0, -1.0], [keep_v.sum(), keep_w.sum()]))
