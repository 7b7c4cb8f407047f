"""A robust and an accurate classifier mixed: accurate where the robust one is not sure, and still certified."""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, nets
from robustnn_core.convex.verify import net_bounds

__all__ = ["Mixed", "mix"]


@dataclass(frozen=True, eq=False)
class Mixed:
    r"""Two classifiers mixed: :math:`(1-a)\,\mathrm{clip}(f_{rob}) + a\,\mathrm{clip}(f_{acc})`, scores cut to [-1, 1].

    Attributes
    ----------
    robust_net : nets.ReLUSum
    accurate_net : object
        Anything with ``predict``.
    weight : float in [0, 1)
        a, of the accurate net.
    """

    robust_net: nets.ReLUSum
    accurate_net: object
    weight: float

    def predict(self, X):
        """Return the mixed score at every row of ``X`` (N, d): shape (N,), in [-1, 1]."""
        robust, accurate = (np.clip(net.predict(X), -1.0, 1.0) for net in (self.robust_net, self.accurate_net))
        return (1.0 - self.weight) * robust + self.weight * accurate

    def certified_margin(self, X, y, *, radius, bias=None, norm="linf", exact=False):
        """Return a lower bound of y times the mixed score over every box or ball, shape (N,).

        The accurate net counts with its own bound, at worst -1: a robust margin above a/(1-a) is enough.

        Parameters
        ----------
        X, y, radius, bias, norm, exact
            See :func:`worst_case_loss`.
        """
        options = {"radius": radius, "bias": bias, "norm": norm, "method": "exact" if exact else "line"}
        robust = net_bounds(self.robust_net, X, y, **options).low
        accurate = -np.ones(len(robust))
        if isinstance(self.accurate_net, nets.ReLUSum):
            accurate = net_bounds(self.accurate_net, X, y, **options).low
        return (1.0 - self.weight) * np.clip(robust, -1.0, 1.0) + self.weight * np.clip(accurate, -1.0, 1.0)


def mix(robust_net, accurate_net, *, weight):
    """Mix a robust and an accurate classifier: accurate where the robust one is not sure, and still certified.

    Parameters
    ----------
    robust_net : nets.ReLUSum
    accurate_net : object
        Anything with ``predict``; a :class:`~robustnn_core.nets.ReLUSum` counts in the certificate with its own bound.
    weight : float in [0, 1)
        Of the accurate net. Below 1/2 a robust margin above weight / (1 - weight) certifies the mix alone.

    Returns
    -------
    Mixed

    Raises
    ------
    ValueError
        A robust net that is no ReLUSum, an accurate one without ``predict``, a weight outside [0, 1).

    References
    ----------
    The idea: Bai, Anderson, Sojoudi 2023, on mixing classifiers.

    Examples
    --------
    >>> from robustnn_core import convex, nets
    >>> line, step = nets.ReLUSum([[1.0], [-1.0]], [1, -1]), nets.ReLUSum([[-9.0], [9.0]], [1, -1])
    >>> convex.mix(line, step, weight=0.25).predict([[2.0]])
    array([0.5])
    """
    if not isinstance(robust_net, nets.ReLUSum):
        raise ValueError(f"robust_net = {type(robust_net).__name__} must be a nets.ReLUSum")
    if not callable(getattr(accurate_net, "predict", None)):
        raise ValueError(f"accurate_net = {type(accurate_net).__name__} must have a method predict(X)")
    return Mixed(robust_net, accurate_net, checks.number(weight, "weight", at_least=0.0, below=1.0))
