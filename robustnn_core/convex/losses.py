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
from robustnn_core.convex.rounding import UNIT, box_top, roundoff

__all__ = ["LOSSES", "NAMES", "Hinge", "Huber", "Logistic", "Loss", "Squared", "get"]


class Loss:
    """What the solvers call; predictions ``p``, labels ``y`` and multipliers are arrays of shape (n,).

    Attributes
    ----------
    name : str
    labels : bool
        y must be +-1, and the loss falls in the margin y p.
    mean : bool
        A mean over the points; otherwise a sum.
    quadratic : bool
        The model of second order is the loss itself.
    """

    name: ClassVar[str]
    labels: ClassVar[bool] = False
    mean: ClassVar[bool] = False
    quadratic: ClassVar[bool] = False

    def points(self, p, y):
        """Return the loss of every point, before their sum or mean; ``p`` may have more axes."""
        raise NotImplementedError

    def slope(self, p, y):
        """Return dL/dp, a subgradient where there is no derivative."""
        raise NotImplementedError

    def curvature(self, p, y):
        """Return the second derivative of L in every prediction, at least what a Newton step can bear."""
        raise NotImplementedError

    def bend(self, n):
        """Return the curvature to reckon with before anything is known: the largest one where there is one."""
        raise NotImplementedError

    def dual(self, lam, y):
        """Return -L*(-lambda), -inf outside the box."""
        raise NotImplementedError

    def floor(self, lam, y):
        """Return a number that is at most -L*(-lambda) in exact arithmetic, less by a few units of rounding."""
        raise NotImplementedError

    def clip(self, z, y):
        """Return the point of the dual box nearest to ``z``: inside it in exact arithmetic."""
        return z

    def unit(self, y):
        """Return the size of the labels, 1 where they are signs: the solvers see y / unit and ``scaled(unit)``."""
        return 1.0

    def scaled(self, unit):
        """Return the loss that is 1/unit^2 times this one at y / unit and p / unit."""
        return self

    def reach(self, z, y):
        """Return the largest theta with theta z in the box, for a ``z`` in the box."""
        return np.inf

    def prox(self, q, y, weight, start):
        """Return argmin L(p) + weight/2 |p - q|^2, point by point; ``start`` is a guess."""
        raise NotImplementedError

    def pieces(self, y):
        """Return (slopes, offsets, weight) of L(p) = weight sum_k (offset_k + slope_k p_k)_+; None if L is not that."""
        return None

    parameter: ClassVar[float] = 0.0
    scalars: ClassVar[tuple] = ()

    def kernels(self):
        """Return loss and slope of one point, compiled functions of (p, y, ``parameter``), before the mean."""
        return tuple(_points.compiled(function) for function in self.scalars)

    def slacks(self, y):
        """Return the form in which the plain interior point takes the loss."""
        raise NotImplementedError

    def robust(self, y):
        """Return the form in which the robust interior point takes the loss of moved points."""
        raise ValueError(f"loss = {self!r} has no robust form; take one of 'hinge', 'logistic', 'squared'")

    def worst(self, m, spread, y):
        """Return the loss of every point whose prediction m may move by ``spread``: closed form."""
        return self.points(m - y * spread, y) if self.labels else self.points(np.abs(m - y) + spread, 0.0 * y)

    def value(self, p, y):
        """Return L(p), the sum or mean over the points."""
        return self.total(self.points(p, y))

    def total(self, each):
        return float(each.mean() if self.mean else each.sum())

    def share(self, some, n):
        """Return the factor of the loss of ``some`` points in that of all n."""
        return some / n if self.mean else 1.0

    def scale(self, z, y, top):
        """Return theta in [0, top] and the largest dual value on that segment {theta z}, up to a line search.

        The value is the ``floor`` of ``theta * z``.

        >>> import numpy as np
        >>> from robustnn_core.convex.losses import Squared
        >>> Squared().scale(np.array([1.0]), np.array([2.0]), 1.5)[0]
        1.5
        """
        low, high = 0.0, min(top, self.reach(z, y))
        top = high
        for _ in range(40):  # the dual is concave along the segment
            a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
            if self.dual(a * z, y) < self.dual(b * z, y):
                low = a
            else:
                high = b
        return max(((theta, self.floor(theta * z, y)) for theta in (high, top)), key=lambda pair: pair[1])


class _Residual(Loss):
    """A sum of functions of p - y with a dual of :math:`\\lambda y - \\lambda^2/2` a point."""

    def dual(self, lam, y):
        return float(lam @ y - 0.5 * (lam @ lam)) if np.array_equal(self.clip(lam, y), lam) else -np.inf

    def floor(self, lam, y):
        half = 0.5 * float(lam @ lam)
        return self.dual(lam, y) - roundoff(len(y), float(np.abs(lam) @ np.abs(y)) + half)

    def scale(self, z, y, top):
        zz = float(z @ z)
        theta = 0.0 if zz == 0.0 else min(max(float(z @ y) / zz, 0.0), top, self.reach(z, y))
        return theta, self.floor(theta * z, y)

    def bend(self, n):
        return 1.0

    def unit(self, y):
        return float(np.linalg.norm(y)) / np.sqrt(len(y))


@dataclass(frozen=True)
class Squared(_Residual):
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


class _Margin(Loss):
    """The mean of a function of the margin y p with slopes in [-1, 0]: labels +-1, 0 <= y lambda <= 1/n."""

    labels: ClassVar[bool] = True
    mean: ClassVar[bool] = True

    def clip(self, z, y):
        return y * np.clip(y * z, 0.0, box_top(len(y)))

    def reach(self, z, y):
        peak = float((y * z).max()) * len(y)
        return (1.0 - 4.0 * UNIT) / peak if peak > 0.0 else 1.0

    def dual(self, lam, y):
        q = len(y) * (y * lam)
        if (q < 0.0).any() or (q > 1.0).any():
            return -np.inf
        return float(self.entropy(q).mean())

    def floor(self, lam, y):
        q = y * lam
        if (q < 0.0).any() or (q > box_top(len(y))).any():
            return -np.inf
        return self.under(q) * (1.0 - roundoff(len(y), 1.0))


@dataclass(frozen=True)
class Hinge(_Margin):
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
class Logistic(_Margin):
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
class Huber(_Residual):
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
