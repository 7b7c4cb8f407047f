r"""What every solver of the convex program shares: its data, its losses, its certificates, the net of a solution.

.. math:: \min_{v,w}\ L\Big(\sum_i D_i X(v_i - w_i),\ y\Big) + \beta\sum_i(\|v_i\| + \|w_i\|)
    \quad\text{s.t. } (2D_i - I)Xv_i \ge 0,\ (2D_i - I)Xw_i \ge 0 .
"""

from dataclasses import dataclass, field

import numpy as np

from robustnn_core import checks, nets
from robustnn_core.convex.patterns import Patterns

__all__ = ["LOSSES", "Fit", "check_problem", "dual_value", "loss_value", "recover_net"]

#: ``squared``: half the sum of squares. ``hinge``, ``logistic``: means over the points, labels +-1.
LOSSES = ("squared", "hinge", "logistic")


@dataclass(frozen=True, eq=False)
class Fit:
    """A feasible point of the convex program, with its certificate.

    Attributes
    ----------
    objective : float
        Of the convex program at (v, w), which is exactly feasible: an upper bound of its optimum.
    lower_bound : float
        A certified lower bound of the optimum *with these patterns*.
    gap : float
        (objective - lower_bound) / max(1e-12, |objective|), the relative gap.
    converged : bool
        gap <= tol. Otherwise the budget ran out; the bracket is still valid.
    v, w : ndarray, shape (d, P)
        The blocks of positive and of negative units.
    patterns : Patterns
    loss : str
    beta : float
    dual : ndarray, shape (n,)
        lambda of the lower bound (in the convention of :func:`price`: dual value -L*(-lambda)).
    net : nets.ReLUSum
        One unit for each nonzero block; its own regularised loss is at most ``objective``.
    history : dict of str -> ndarray
        ``"seconds"``, ``"objective"``, ``"lower_bound"`` per recorded iteration.
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
    history: dict = field(repr=False)
    method: str = ""

    @property
    def blocks(self):
        """How many blocks are longer than 1e-4 of the longest: what a solver in floating point calls nonzero."""
        lengths = np.linalg.norm(np.hstack([self.v, self.w]), axis=0)
        return int((lengths > 1e-4 * lengths.max()).sum())


def check_problem(X, y, patterns, beta, loss):
    """Return ``X``, ``y``, ``beta`` in the form the solvers want, or say what is wrong with the problem.

    Raises
    ------
    ValueError
        Shapes that do not fit, labels that are not +-1 for ``hinge`` and ``logistic``, beta <= 0, two constant
        columns, patterns of other points.
    """
    X = checks.array(X, "X", shape=("n", "d"))
    y = checks.array(y, "y", shape=(X.shape[0],))
    checks.choice(loss, "loss", LOSSES)
    beta = checks.number(beta, "beta", above=0.0, remedy="without the penalty the certificates do not hold")
    if loss != "squared" and not (np.abs(y) == 1.0).all():
        bad = y[np.abs(y) != 1.0][0]
        raise ValueError(
            f"y contains {bad}; loss = {loss!r} needs labels +1 and -1 (loss = 'squared' takes any number)"
        )
    if X.shape[0] > 1:
        constant = np.flatnonzero((X == X[0]).all(axis=0) & (X[0] != 0.0))
        if len(constant) > 1:
            raise ValueError(
                f"X has {len(constant)} constant columns ({', '.join(map(str, constant))}); keep one, the bias column of ones"
            )
    if not isinstance(patterns, Patterns):
        raise ValueError(f"patterns = {patterns!r} must be Patterns; make them by sample_patterns(X, count, seed=...)")
    if patterns.active.shape[0] != X.shape[0] or patterns.gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"patterns are for n = {patterns.active.shape[0]} points in d = {patterns.gates.shape[0]} dimensions, "
            f"X has shape {X.shape}; sample them from this X"
        )
    return X, y, beta


def loss_value(loss, p, y):
    """Return L(p, y): half the sum of squares, or the mean hinge or logistic loss.

    Examples
    --------
    >>> loss_value("hinge", np.array([0.0, 3.0]), np.array([1.0, 1.0]))
    0.5
    """
    if loss == "squared":
        return 0.5 * float((p - y) @ (p - y))
    if loss == "hinge":
        return float(np.maximum(1.0 - y * p, 0.0).mean())
    return float(np.logaddexp(0.0, -y * p).mean())


def _entropy(q):
    """-q log q - (1 - q) log(1 - q), 0 at both ends."""
    a, b = np.clip(q, 1e-300, 1.0), np.clip(1.0 - q, 1e-300, 1.0)
    return -(q * np.log(a) + (1.0 - q) * np.log(b))


def dual_value(loss, dual, y):
    """Return -L*(-lambda), -inf outside the dual box (``hinge``, ``logistic``: 0 <= y lambda <= 1/n).

    Examples
    --------
    >>> dual_value("squared", np.array([1.0]), np.array([2.0]))
    1.5
    """
    if loss == "squared":
        return float(dual @ y - 0.5 * (dual @ dual))
    q = len(y) * (y * dual)
    if (q < 0.0).any() or (q > 1.0 + 1e-14).any():
        return -np.inf
    return float((q if loss == "hinge" else _entropy(np.minimum(q, 1.0))).mean())


def clip_dual(loss, z, y):
    """Return the point of the loss's dual box nearest to ``z``."""
    if loss == "squared":
        return z
    return y * np.clip(y * z, 0.0, 1.0 / len(y))


def best_scale(loss, z, y, top):
    """Return theta in [0, top] and the largest dual value on that segment {theta z}, up to a line search."""
    if loss == "squared":
        zz = float(z @ z)
        theta = 0.0 if zz == 0.0 else min(max(float(z @ y) / zz, 0.0), top)
        return theta, dual_value(loss, theta * z, y)
    peak = float((y * z).max()) * len(y)
    top = min(top, 1.0 / peak if peak > 0.0 else 1.0)
    if loss == "hinge":
        return top, dual_value(loss, top * z, y)
    low, high = 0.0, top
    for _ in range(40):  # the entropy is concave along the segment
        a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
        if dual_value(loss, a * z, y) < dual_value(loss, b * z, y):
            low = a
        else:
            high = b
    return max(((theta, dual_value(loss, theta * z, y)) for theta in (high, top)), key=lambda pair: pair[1])


def below(lower, objective):
    """Return the lower bound of a bracket, at most ``objective``: only rounding may be taken off it.

    Raises
    ------
    RuntimeError
        A bound above the objective by more than rounding: one of the two is wrong, and no bracket is honest.

    Examples
    --------
    >>> below(1.0 + 1e-13, 1.0)
    1.0
    """
    if lower - objective > 1e-9 * max(1.0, abs(objective)):
        raise RuntimeError(
            f"the bracket is inverted: lower bound {lower!r} above the objective {objective!r}; please report it"
        )
    return min(lower, objective)


def recover_net(v, w):
    """Return the :class:`~robustnn_core.nets.ReLUSum` of blocks ``v``, ``w`` (d, P): one unit for each nonzero block.

    Examples
    --------
    >>> recover_net(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])).signs
    array([ 1., -1.])
    """
    keep_v, keep_w = (v != 0.0).any(axis=0), (w != 0.0).any(axis=0)
    weights = np.concatenate([v.T[keep_v], w.T[keep_w]])
    if not len(weights):
        return nets.ReLUSum(np.zeros((1, v.shape[0])), [1.0])
    return nets.ReLUSum(weights, np.repeat([1.0, -1.0], [keep_v.sum(), keep_w.sum()]))
