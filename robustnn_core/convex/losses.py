r"""The losses of the convex programs, one class each; nothing else asks which loss it is.

A loss knows its value, slope and curvature, the dual value :math:`-L^*(-\lambda)` and its box, its proximal step, and
the form in which an interior point takes it (:mod:`~robustnn_core.convex._slacks`). A new loss is one class:
:class:`Huber` is the example.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from robustnn_core import checks
from robustnn_core.convex import _points, _slacks
from robustnn_core.convex._loss import Loss, Margin, Residual
from robustnn_core.convex.rounding import UNIT

__all__ = ["LOSSES", "NAMES", "Hinge", "Huber", "Logistic", "Loss", "Squared", "get"]


@dataclass(frozen=True)
class Squared(Residual):
    """Half the sum of squares.

    >>> import numpy as np
    >>> from robustnn_core.convex.losses import Squared
    >>> Squared().dual(np.array([1.0]), np.array([2.0]))
    1.5
    """

    name: ClassVar[str] = "squared"
    quadratic: ClassVar[bool] = True
    scalars: ClassVar[tuple] = (_points.squared, _points.squared_slope)

    def points(self, p, y):
        return 0.5 * (p.T - y).T ** 2

    def slope(self, p, y):
        return p - y

    def curvature(self, p, y):
        return np.ones(len(y))

    def prox(self, q, y, weight, start):
        return (y + weight * q) / (1.0 + weight)

    def slacks(self, y):
        return _slacks.Smooth(y)

    def robust(self, y):
        return _slacks.RobustSquared(y)


@dataclass(frozen=True)
class Hinge(Margin):
    """The mean of (1 - y p)_+, labels +-1.

    >>> import numpy as np
    >>> from robustnn_core.convex.losses import Hinge
    >>> Hinge().dual(np.array([0.25, 0.5]), np.array([1.0, 1.0]))
    0.75
    """

    name: ClassVar[str] = "hinge"
    scalars: ClassVar[tuple] = (_points.hinge, _points.hinge_slope)

    def points(self, p, y):
        return np.maximum(1.0 - (y * p.T).T, 0.0)

    def slope(self, p, y):
        return -y * (y * p < 1.0) / len(y)

    def curvature(self, p, y):
        return np.zeros(len(y))

    def bend(self, n):
        return 1.0 / n

    def entropy(self, q):
        return q

    def under(self, q):
        return float(q.sum())

    def scale(self, z, y, top):
        top = min(top, self.reach(z, y))
        return top, self.floor(top * z, y)

    def prox(self, q, y, weight, start):
        m = y * q
        return y * np.where(m >= 1.0, m, np.minimum(m + 1.0 / (len(y) * weight), 1.0))

    def pieces(self, y):
        return -y, np.ones(len(y)), 1.0 / len(y)

    def slacks(self, y):
        return _slacks.Boxed(sign=y, low=1.0 / len(y), high=0.0, curve=0.0, offset=y)

    def robust(self, y):
        return _slacks.RobustHinge(y)


@dataclass(frozen=True)
class Logistic(Margin):
    """The mean of log(1 + exp(-y p)), labels +-1.

    >>> import numpy as np
    >>> from robustnn_core.convex.losses import Logistic
    >>> round(Logistic().value(np.zeros(2), np.ones(2)), 6)
    0.693147
    """

    name: ClassVar[str] = "logistic"
    scalars: ClassVar[tuple] = (_points.logistic, _points.logistic_slope)

    def points(self, p, y):
        return np.logaddexp(0.0, -(y * p.T).T)

    def slope(self, p, y):
        return -y * expit(-y * p) / len(y)

    def curvature(self, p, y):
        q = expit(-y * p)
        return np.maximum(q * (1.0 - q), 1e-6) / len(y)

    def bend(self, n):
        return 0.25 / n

    def entropy(self, q):
        return -xlogy(q, q) - xlog1py(1.0 - q, -q)

    def under(self, q):
        q = np.minimum(len(q) * q, 1.0)  # one rounding above 1 is 1: its entropy is 0, and below that of the exact q
        one, two = -xlogy(q, q), -xlog1py(1.0 - q, -q)
        with np.errstate(divide="ignore"):
            tilt = np.where(q < 1.0, one - q * np.log1p(-q), 0.0)  # q |H'(q)|: q itself is rounded
        return float((one + two - 4.0 * UNIT * (one + two + tilt)).mean())

    def prox(self, q, y, weight, start):
        n, m = len(y), y * q
        t = np.clip(y * start, m, m + 1.0 / (n * weight))  # the root lies there; Newton kept in the bracket
        low, high = m, m + 1.0 / (n * weight)
        for _ in range(20):
            s = expit(-t)
            slope = weight * (t - m) - s / n
            low, high = np.where(slope < 0.0, t, low), np.where(slope > 0.0, t, high)
            new = t - slope / (weight + s * (1.0 - s) / n)
            new = np.where((new < low) | (new > high), 0.5 * (low + high), new)
            done = np.abs(new - t).max() < 1e-13 * (1.0 + np.abs(t).max())
            t = new
            if done:
                break
        return y * t

    def slacks(self, y):
        return _slacks.Entropic(y)

    def robust(self, y):
        return _slacks.RobustLogistic(y)


@dataclass(frozen=True)
class Huber(Residual):
    r"""The sum of :math:`r^2/2` where :math:`|r| \le \delta` and of :math:`\delta|r| - \delta^2/2` beyond, r = p - y.

    Parameters
    ----------
    delta : float > 0
        In the units of the labels. The dual is that of the squared loss in the box :math:`|\lambda_k| \le \delta`.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.losses import Huber
    >>> Huber(1.0).value(np.array([0.5, 3.0]), np.zeros(2))
    2.625
    """

    delta: float
    name: ClassVar[str] = "huber"
    scalars: ClassVar[tuple] = (_points.huber, _points.huber_slope)

    def __post_init__(self):
        object.__setattr__(self, "delta", checks.number(self.delta, "delta", above=0.0))

    @property
    def parameter(self):
        return self.delta

    def points(self, p, y):
        size = np.abs((p.T - y).T)
        return np.where(size <= self.delta, 0.5 * size**2, self.delta * (size - 0.5 * self.delta))

    def slope(self, p, y):
        return np.clip(p - y, -self.delta, self.delta)

    def curvature(self, p, y):
        return np.where(np.abs(p - y) <= self.delta, 1.0, 1e-6)

    def clip(self, z, y):
        return np.clip(z, -self.delta, self.delta)

    def reach(self, z, y):
        peak = float(np.abs(z).max())
        return (1.0 - 4.0 * UNIT) * self.delta / peak if peak > 0.0 else 1.0

    def scaled(self, unit):
        return Huber(self.delta / unit)

    def prox(self, q, y, weight, start):
        near = (y + weight * q) / (1.0 + weight)
        return np.where(np.abs(near - y) <= self.delta, near, q - np.sign(q - y) * self.delta / weight)

    def slacks(self, y):
        return _slacks.Boxed(sign=np.ones(len(y)), low=self.delta, high=self.delta, curve=1.0, offset=y)


#: Those that need no parameter, by name.
LOSSES = {loss.name: loss for loss in (Squared(), Hinge(), Logistic())}
NAMES = tuple(LOSSES)


def get(loss):
    """Return the loss of this name, or the loss itself.

    Examples
    --------
    >>> from robustnn_core.convex.losses import Huber, get
    >>> get("hinge"), get(Huber(0.5))
    (Hinge(), Huber(delta=0.5))
    """
    if isinstance(loss, Loss):
        return loss
    return LOSSES[checks.choice(loss, "loss", NAMES)]
