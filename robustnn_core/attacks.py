r"""Attacks on the input of a net: one gradient step (FGSM) and projected gradient ascent (PGD).

The protocol
------------
A net can be attacked if it has two methods:

* ``predict(X)``: scores at the rows of ``X`` (N, d); shape (N,) if the sign decides between two classes
  (labels +-1), or (N, K) if the largest of K scores decides (labels 0, ..., K - 1);
* ``pullback(X, v)``: for ``v`` of the shape of the scores the gradients
  :math:`\nabla_x \sum_k v_{nk} f_k(x_n)`, shape (N, d).

``nets.FrozenHeadNet``, ``nets.ReLUSum``, ``nets.SingleFilterNet.at(w)`` and ``perturbations.convnet.ConvNet`` have
them.

What is climbed is :math:`-y f(x)` for two classes (every decreasing loss has the same ascent direction)
and the cross-entropy for K classes; with ``target`` the attack climbs towards the target's label instead.

Budgets
-------
``"l2"``: :math:`|\eta|_2 \le` eps; ``"linf"``: :math:`|\eta|_\infty \le` eps; ``"l0"``: at most eps
coordinates (an integer) move, each by at most ``size``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from robustnn_core import checks, streams

__all__ = ["Attacked", "NORMS", "fgsm", "pgd", "steepest"]

NORMS = ("l2", "linf", "l0")


@dataclass(frozen=True, eq=False)
class Attacked:
    """What an attack found.

    Attributes
    ----------
    X : ndarray, shape (N, d)
        The attacked inputs.
    eta : ndarray, shape (N, d)
        ``X`` minus the inputs given.
    gain : ndarray, shape (N,)
        What was climbed, at ``X`` minus at the input given: never negative for :func:`pgd`.
    success : ndarray of bool, shape (N,)
        The net gives a class other than ``y``; with a target: it gives the target's.
    """

    X: np.ndarray
    eta: np.ndarray
    gain: np.ndarray
    success: np.ndarray


def fgsm(net, X, y, *, eps, norm="linf", target=None, size=1.0, low=None, high=None):
    """Move every input once, as far as the budget allows, along the steepest ascent of the loss.

    Parameters
    ----------
    net : any net of the protocol above
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
        True labels, +-1 or 0, ..., K - 1.
    eps : float >= 0
        The budget; for "l0" an integer number of coordinates.
    norm : {"l2", "linf", "l0"}
    target : array_like, shape (N,), optional
        Labels to move towards.
    size : float > 0
        For "l0": how far one coordinate may move.
    low, high : float, optional
        Range of a coordinate (pixels), if there is one.

    Returns
    -------
    Attacked

    Raises
    ------
    ValueError
        A net without the two methods or with scores that are not finite, labels that do not fit, a negative eps,
        X outside [low, high].

    References
    ----------
    Goodfellow, Shlens & Szegedy, "Explaining and harnessing adversarial examples".

    Examples
    --------
    >>> from robustnn_core.attacks import fgsm
    >>> from robustnn_core import nets
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0]], [1, -1])
    >>> attack = fgsm(net, [[1.0, 0.5]], [1], eps=0.3)
    >>> attack.eta, attack.success
    (array([[-0.3,  0.3]]), array([ True]))
    """
    problem = _Problem(net, X, y, eps, norm, target, size, low, high)
    return problem.result(problem.feasible(problem.X + problem.step(problem.X, problem.eps)))


def pgd(
    net,
    X,
    y,
    *,
    eps,
    norm="linf",
    steps=20,
    restarts=1,
    seed=None,
    target=None,
    step=None,
    size=1.0,
    low=None,
    high=None,
):
    """Climb the loss inside the budget and keep, for every input, the best point met on the way.

    Parameters
    ----------
    net, X, y, eps, norm, target, size, low, high
        As in :func:`fgsm`.
    steps : int >= 1
    restarts : int >= 1
        The first start is the input itself, the others are random points of the budget.
    seed : int >= 0, tuple of int, or numpy Generator
        Of the random starts: asked for only if ``restarts`` > 1.
    step : float > 0, optional
        Length of a step; ``2.5 eps / steps`` when not given (``2.5 size / steps`` for "l0").

    Returns
    -------
    Attacked

    Notes
    -----
    The input itself and the point of :func:`fgsm` are among the points met: the gain is never negative, and never
    below that of :func:`fgsm`. Under "l0" a step moves the eps coordinates of
    largest gradient, and the projection keeps the eps largest moves. Restart i depends on ``seed`` and i only.

    References
    ----------
    Madry et al., "Towards deep learning models resistant to adversarial attacks".

    Examples
    --------
    >>> from robustnn_core.attacks import pgd
    >>> from robustnn_core import nets
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0]], [1, -1])
    >>> pgd(net, [[1.0, 0.5]], [1], eps=0.5, norm="l2").eta.round(3)
    array([[-0.354,  0.354]])
    >>> pgd(net, [[1.0, 0.5]], [1], eps=1, norm="l0").X
    array([[0. , 0.5]])
    """
    problem = _Problem(net, X, y, eps, norm, target, size, low, high)
    steps = checks.integer(steps, "steps", at_least=1)
    restarts = checks.integer(restarts, "restarts", at_least=1)
    if step is None:
        step = 2.5 * (problem.size if norm == "l0" else problem.eps) / steps
    else:
        step = checks.number(step, "step", above=0.0)
    best, value = problem.X.copy(), problem.value(problem.X)

    def keep(here):
        reached = problem.value(here)
        better = reached > value
        best[better], value[better] = here[better], reached[better]

    keep(problem.feasible(problem.X + problem.step(problem.X, problem.eps)))
    if seed is None and restarts > 1:
        raise ValueError(f"seed = None leaves {restarts - 1} random starts open; give a seed, or restarts = 1")
    for i, own in enumerate([None] if seed is None else streams.spawn(seed, restarts)):
        here = problem.X if i == 0 else problem.random(streams.generator(own))
        for t in range(steps + (i > 0)):
            if t > 0 or i == 0:
                move = (
                    problem.step(here, step) if norm != "l0" else step / problem.size * problem.step(here, problem.eps)
                )
                here = problem.feasible(here + move)
            keep(here)
    return problem.result(best)


def steepest(gradient, *, eps, norm, size=1.0):
    r"""Return the :math:`\eta` that maximises :math:`\langle g_n, \eta_n\rangle` inside the budget, row by row.

    "l2": :math:`\epsilon g/|g|`; "linf": :math:`\epsilon\,\mathrm{sgn}\, g`; "l0": ``size`` sgn g on the eps largest
    :math:`|g_i|`. A zero coordinate of g does not move.

    Parameters
    ----------
    gradient : array_like, shape (N, d)
    eps : float >= 0, or int for "l0"
    norm : {"l2", "linf", "l0"}
    size : float > 0

    Examples
    --------
    >>> from robustnn_core.attacks import NORMS, steepest
    >>> [steepest([[3.0, -4.0]], eps=1, norm=norm).tolist() for norm in NORMS]
    [[[0.6, -0.8]], [[1.0, -1.0]], [[0.0, -1.0]]]
    """
    gradient = checks.array(gradient, "gradient", shape=("N", "d"))
    eps, size = _check_budget(eps, norm, size, gradient.shape[1])
    return _steepest(gradient, eps, norm, size)


def _steepest(g, eps, norm, size):
    if norm == "linf":
        return eps * np.sign(g)
    if norm == "l2":
        largest = np.abs(g).max(axis=1, keepdims=True)  # so that tiny gradients do not underflow when squared
        g = np.divide(g, largest, out=np.zeros_like(g), where=largest > 0)
        length = np.linalg.norm(g, axis=1, keepdims=True)
        return eps * np.divide(g, length, out=np.zeros_like(g), where=length > 0)
    return size * _keep_largest(np.sign(g), np.abs(g), eps)


def _keep_largest(values, weights, count):
    """``values`` (N, d) with all but the ``count`` coordinates of largest ``weights`` of each row set to 0."""
    result = np.zeros_like(values)
    if count > 0:
        chosen = np.argsort(-weights, axis=1, kind="stable")[:, :count]  # ties: the first coordinates
        np.put_along_axis(result, chosen, np.take_along_axis(values, chosen, axis=1), axis=1)
    return result


def _check_budget(eps, norm, size, width):
    checks.choice(norm, "norm", NORMS)
    if norm == "l0":
        eps = checks.integer(
            eps, "eps", at_least=0, at_most=width, remedy="for 'l0' it counts the coordinates that move"
        )
    else:
        eps = checks.number(eps, "eps", at_least=0.0)
    return eps, checks.number(size, "size", above=0.0)


class _Problem:
    """One attack, validated: what is climbed, its gradient, and the projection on the budget."""

    def __init__(self, net, X, y, eps, norm, target, size, low, high):
        if not callable(getattr(net, "predict", None)) or not callable(getattr(net, "pullback", None)):
            raise ValueError(
                f"net = {type(net).__name__} must have predict(X) and pullback(X, v); "
                "for a nets.SingleFilterNet give net.at(w)"
            )
        self.net, self.X = net, checks.array(X, "X", shape=("N", "d")).view()
        self.X.setflags(write=False)  # a net that works in place must not move what the attack is measured from
        self.norm, (self.eps, self.size) = norm, _check_budget(eps, norm, size, self.X.shape[1])
        self.low = -np.inf if low is None else checks.number(low, "low")
        self.high = np.inf if high is None else checks.number(high, "high", above=self.low)
        if self.X.min() < self.low or self.X.max() > self.high:
            raise ValueError(
                f"X has entries outside [{self.low}, {self.high}]; give the range of the data as low and high"
            )
        scores = self.scores(self.X)
        self.classes = 2 if scores.ndim == 1 else scores.shape[1]
        self.binary = scores.ndim == 1
        self.y = self._labels(y, "y")
        self.towards = None if target is None else self._labels(target, "target")

    def scores(self, X):
        """What the net says, if these are numbers: no comparison with nan is true, so every attack would fail."""
        scores = np.asarray(self.net.predict(X))
        if not np.isfinite(scores).all():
            row = int(np.argwhere(~np.isfinite(scores))[0, 0])
            raise ValueError(
                f"net predicts {scores[row]} at row {row}; train it with smaller steps or scale the inputs"
            )
        return scores

    def _labels(self, value, name):
        if self.binary:
            return checks.signs(value, name, length=len(self.X))
        labels = checks.array(value, name, shape=(len(self.X),))
        if (labels != np.round(labels)).any() or labels.min() < 0 or labels.max() >= self.classes:
            raise ValueError(f"{name} has entries outside 0, ..., {self.classes - 1}; give the index of each class")
        return labels.astype(np.int64)

    def value(self, X):
        scores = self.scores(X)
        if self.binary:
            return -self.y * scores if self.towards is None else self.towards * scores
        logs = log_softmax(scores, axis=1)
        rows = np.arange(len(X))
        return -logs[rows, self.y] if self.towards is None else logs[rows, self.towards]

    def gradient(self, X):
        if self.binary:
            return self.net.pullback(X, -self.y if self.towards is None else self.towards)
        v = softmax(self.scores(X), axis=1)
        rows = np.arange(len(X))
        if self.towards is None:
            v[rows, self.y] -= 1.0
        else:
            v = -v
            v[rows, self.towards] += 1.0
        return self.net.pullback(X, v)

    def step(self, X, length):
        g = np.asarray(self.gradient(X), dtype=np.float64)
        # a coordinate at the edge of its range cannot move further: it must not use up the budget
        g = np.where(((g > 0) & (X >= self.high)) | ((g < 0) & (X <= self.low)), 0.0, g)
        return _steepest(g, length, self.norm, self.size)

    def feasible(self, X):
        """The nearest point of the budget and the range; for l2 and a range, a point of both."""
        eta = np.clip(X, self.low, self.high) - self.X
        if self.norm == "linf":
            eta = np.clip(eta, -self.eps, self.eps)
        elif self.norm == "l2":
            length = np.linalg.norm(eta, axis=1, keepdims=True)
            eta = eta * np.minimum(1.0, np.divide(self.eps, length, out=np.ones_like(length), where=length > 0))
        else:
            eta = np.clip(eta, -self.size, self.size)
            eta = _keep_largest(eta, np.abs(eta), self.eps)
        return self.X + eta

    def random(self, rng):
        if self.norm == "linf":
            eta = rng.uniform(-self.eps, self.eps, size=self.X.shape)
        elif self.norm == "l2":
            eta = rng.standard_normal(self.X.shape)
            d = self.X.shape[1]
            eta *= self.eps * rng.uniform(size=(len(eta), 1)) ** (1 / d) / np.linalg.norm(eta, axis=1, keepdims=True)
        else:
            eta = _keep_largest(
                rng.uniform(-self.size, self.size, size=self.X.shape), rng.uniform(size=self.X.shape), self.eps
            )
        return self.feasible(self.X + eta)

    def result(self, X):
        scores = self.scores(X)
        if self.binary:
            # a score of 0 is on neither side
            success = -self.y * scores > 0 if self.towards is None else self.towards * scores > 0
        else:
            chosen = scores.argmax(axis=1)
            success = chosen != self.y if self.towards is None else chosen == self.towards
        return Attacked(X=X, eta=X - self.X, gain=self.value(X) - self.value(self.X), success=success)
