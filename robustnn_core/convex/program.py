r"""What every solver of the convex program shares: its data, its losses, its certificates, the net of a solution.

.. math:: \min_{v,w}\ L\Big(\sum_i D_i X(v_i - w_i),\ y\Big) + \beta\sum_i(\|v_i\| + \|w_i\|)
    \quad\text{s.t. } (2D_i - I)Xv_i \ge 0,\ (2D_i - I)Xw_i \ge 0 .
"""

from dataclasses import dataclass, field

import numpy as np

from robustnn_core import nets
from robustnn_core.convex.patterns import Patterns

__all__ = ["LOSSES", "Fit"]

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
