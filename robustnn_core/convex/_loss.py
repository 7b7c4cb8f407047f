"""What every loss of the convex programs shares: the protocol, and the two families of residuals and of margins."""

from typing import ClassVar

import numpy as np

from robustnn_core.convex import _points
from robustnn_core.convex.rounding import UNIT, box_top, roundoff

__all__ = ["Loss", "Margin", "Residual"]


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


class Residual(Loss):
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


class Margin(Loss):
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
