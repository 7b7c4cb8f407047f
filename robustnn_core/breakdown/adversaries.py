"""Adversaries for regression: which labels they move, and to what.

An adversary proposes a label for every point and then spends its budget of m points where the proposal
differs from the truth. A user's own subclasses :class:`Adversary`; the arrays that it is given are read-only
views, since it may change labels in no other way than by its answer.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from robustnn_core import checks, nets, streams

__all__ = ["ActiveHalf", "Adversary", "Attacked", "GrossOutliers", "Impostor", "Leverage", "Merge", "corrupt"]


class Adversary:
    """Base of the adversaries."""

    def labels(self, X, y, rng, model):
        """The label the adversary wants at every point, shape (n,)."""
        raise NotImplementedError

    def choose(self, X, y, wanted, m, rng):
        """At most m indices, here at random where ``wanted`` differs from y; elsewhere they are spent on nothing."""
        different = np.flatnonzero(wanted != y)
        return different if different.size <= m else rng.choice(different, m, replace=False)


@dataclass(frozen=True)
class GrossOutliers(Adversary):
    """One-sided outliers on a random set: y + size * (1 + Exp(1)) times the typical |y|.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import GrossOutliers
    >>> y, touched = corrupt(np.eye(4), np.ones(4), fraction=0.5, adversary=GrossOutliers(), seed=0)
    >>> int(touched.sum()), bool((y[touched] > 10).all())
    (2, True)
    """

    size: float = 10.0

    def __post_init__(self):
        object.__setattr__(self, "size", checks.number(self.size, "size"))

    def labels(self, X, y, rng, model):
        typical = np.median(np.abs(y[y != 0])) if np.any(y != 0) else 1.0
        return y + self.size * typical * (1.0 + rng.exponential(size=y.size))


@dataclass(frozen=True)
class Impostor(Adversary):
    """The labels of another model, on a random set.

    Parameters
    ----------
    model : object with ``predict(X)``, optional
        Default: drawn at random, a net with the signs and unit lengths of the true one if that is known,
        else a linear map with labels of the size of y.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import Impostor
    >>> other = nets.ReLUSum([[1.0]], [1])
    >>> corrupt([[1.0], [2.0]], [0.0, 0.0], fraction=1.0, adversary=Impostor(other), seed=0).y
    array([1., 2.])
    """

    model: object = None

    def labels(self, X, y, rng, model):
        if self.model is not None:
            return self.model.predict(X)
        if isinstance(model, nets.ReLUSum):
            U = rng.standard_normal(model.weights.shape)
            U *= (np.linalg.norm(model.weights, axis=1) / np.linalg.norm(U, axis=1))[:, None]
            return nets.ReLUSum(U, model.signs).predict(X)
        wanted = X @ rng.standard_normal(X.shape[1])
        size = np.linalg.norm(wanted)
        return wanted * (np.linalg.norm(y) / size) if size > 0 else wanted


@dataclass(frozen=True)
class Leverage(Impostor):
    """The labels of another model, on the points where it differs most from the truth: the leverage in its direction.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import Leverage
    >>> other = nets.ReLUSum([[1.0]], [1])
    >>> corrupt([[1.0], [2.0]], [0.0, 0.0], fraction=0.5, adversary=Leverage(other), seed=0).y
    array([0., 2.])
    """

    def choose(self, X, y, wanted, m, rng):
        return np.argsort(-np.abs(wanted - y), kind="stable")[:m]


@dataclass(frozen=True)
class ActiveHalf(Adversary):
    """Scale one unit: f' differs from f on that unit's active half space only, so the budget counts double.

    Parameters
    ----------
    scale : float
        c: the unit u becomes c u. Try c and 1/c, trimming favours the smaller net.
    order : {"random", "top", "low"}
        Which active points: any, or those with the largest or the smallest change.
    unit : int
        Needs the true model when there are several units.

    Examples
    --------
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import ActiveHalf
    >>> X = [[1.0], [2.0], [-1.0], [-3.0]]
    >>> corrupt(X, [1.0, 2.0, 0.0, 0.0], fraction=0.5, adversary=ActiveHalf(scale=0.5), seed=0).y
    array([0.5, 1. , 0. , 0. ])
    """

    scale: float = 0.5
    order: str = "random"
    unit: int = 0

    def __post_init__(self):
        object.__setattr__(self, "scale", checks.number(self.scale, "scale"))
        checks.choice(self.order, "order", ("random", "top", "low"))
        checks.integer(self.unit, "unit", at_least=0)

    def labels(self, X, y, rng, model):
        if not isinstance(model, nets.ReLUSum) or len(model.signs) == 1:
            return self.scale * y
        checks.integer(self.unit, "unit", at_least=0, at_most=len(model.signs) - 1)
        unit = nets.ReLUSum(model.weights[[self.unit]], model.signs[[self.unit]])
        return y + (self.scale - 1.0) * unit.predict(X)

    def choose(self, X, y, wanted, m, rng):
        if self.order == "random":
            return super().choose(X, y, wanted, m, rng)
        gap = np.abs(wanted - y)
        different = np.flatnonzero(gap > 0)
        order = different[np.argsort(gap[different], kind="stable")]
        return order[::-1][:m] if self.order == "top" else order[:m]


@dataclass(frozen=True)
class Merge(Adversary):
    """Lean one unit towards another: f' agrees with f wherever units i and j are active together or asleep together.

    f' = s_i max((u_i + c u_j) . x, 0) + (s_j - s_i c) max(u_j . x, 0) + the other units. With 0 < c < 1
    every sign is kept.

    Parameters
    ----------
    pair : (int, int)
    share : float in (0, 1)
        c.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import Merge
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0]], [1, 1])
    >>> X = [[1.0, 1.0], [-1.0, 2.0], [-1.0, -1.0]]
    >>> corrupt(X, net.predict(X), fraction=0.34, adversary=Merge(), seed=0, model=net).y
    array([2., 1., 0.])
    """

    pair: tuple = (0, 1)
    share: float = 0.5

    def __post_init__(self):
        i, j = (checks.integer(k, "pair", at_least=0) for k in self.pair)
        if i == j:
            raise ValueError(f"pair = {self.pair} must name two units")
        object.__setattr__(self, "share", checks.number(self.share, "share", above=0.0, below=1.0))

    def impostor(self, net):
        """The merged net, in the same class: same K, same signs."""
        i, j = self.pair
        checks.integer(max(i, j), "pair", at_most=len(net.signs) - 1)
        U, s = net.weights.copy(), net.signs
        U[i] = net.weights[i] + self.share * net.weights[j]
        U[j] = net.weights[j] * (s[j] - s[i] * self.share) * s[j]
        return nets.ReLUSum(U, s)

    def labels(self, X, y, rng, model):
        if not isinstance(model, nets.ReLUSum) or len(model.signs) < 2:
            raise ValueError("adversary Merge needs the true net with two units or more; give model=")
        wanted = self.impostor(model).predict(X)
        return np.where(np.abs(wanted - y) <= 1e-12 * np.abs(y), y, wanted)


def require(adversary):
    """Refuse what is not an adversary."""
    if not isinstance(adversary, Adversary):
        raise ValueError(
            f"adversary = {adversary!r} must be an adversaries.Adversary, for instance ActiveHalf(scale=0.5)"
        )


class Attacked(NamedTuple):
    """What an adversary made of the labels; unpacks to ``y, touched``.

    Attributes
    ----------
    y : ndarray, shape (n,)
        The labels, bad ones included.
    touched : ndarray of bool, shape (n,)
        Which ones are bad.
    """

    y: np.ndarray
    touched: np.ndarray


def corrupt(X, y, *, fraction, adversary, seed, model=None):
    """Let an adversary replace at most ``fraction * n`` labels.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        The true labels.
    fraction : float in [0, 1]
    adversary : Adversary
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    model : object with ``predict(X)``, optional
        The true model, for adversaries that look at it.

    Returns
    -------
    Attacked
        Fewer than ``fraction * n`` points are touched if the adversary finds no more labels to change.

    Raises
    ------
    ValueError
        A fraction outside [0, 1], an adversary that is not one, bad data.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown import corrupt
    >>> from robustnn_core.breakdown.adversaries import Leverage
    >>> attacked = corrupt(np.eye(3), [1.0, 2.0, 3.0], fraction=0.34, adversary=Leverage(), seed=0)
    >>> int(attacked.touched.sum())
    1
    """
    X = checks.array(X, "X", shape=("n", "d"))
    y = checks.array(y, "y", shape=(X.shape[0],))
    fraction = checks.fraction(fraction, "fraction")
    require(adversary)
    rng = streams.generator(seed)
    m = int(np.floor(fraction * y.size + 1e-9))
    seen = X.view(), y.view()
    for array in seen:
        array.setflags(write=False)
    wanted = checks.array(adversary.labels(*seen, rng, model), "labels of the adversary", shape=(y.size,)).copy()
    chosen = np.asarray(adversary.choose(*seen, wanted.copy(), m, rng))
    if chosen.size and (chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= y.size):
        raise ValueError(f"adversary chose {chosen!r}; it must choose indices 0, ..., {y.size - 1} of points")
    touched = np.zeros(y.size, np.bool_)
    touched[chosen.astype(np.int64)] = True
    if touched.sum() > m:
        raise ValueError(f"adversary chose {touched.sum()} points; its budget is {m}")
    touched &= wanted != y  # a label that is what it was is not a bad one
    return Attacked(np.where(touched, wanted, y), touched)
