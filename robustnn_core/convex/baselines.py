r"""The baselines: the same regularised net trained by Adam, on the points, on FGSM's or on PGD's.

:math:`\min_{u,\alpha} L(\sum_j (Xu_j)_+\alpha_j, y) + \frac\beta2\sum_j(\|u_j\|^2+\alpha_j^2)`, full batches.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from robustnn_core import attacks, blas, checks, nets, streams
from robustnn_core.convex.cells import box
from robustnn_core.convex.robust import check_data
from robustnn_core.trace import Trace

__all__ = ["GradientFit", "attack_box", "descend", "train_gradient"]

_ATTACKS = {None: 0, "fgsm": 1, "pgd": 2}


@dataclass(frozen=True, eq=False)
class GradientFit:
    """A net that gradient steps found: no certificate.

    Attributes
    ----------
    net : nets.ReLUSum
        The head absorbed: units |alpha_j| u_j with the signs of alpha_j.
    objective : float
        Loss on the clean points plus beta sum |alpha_j| |u_j|.
    trace : Trace
        ``objective``: the regularised loss on the points trained on (attacked, if they are), one row a step.
    radius : ndarray, shape (d,)
    """

    net: nets.ReLUSum
    objective: float
    trace: Trace = field(repr=False)
    radius: np.ndarray


def train_gradient(
    X, y, *, width, beta, attack=None, radius=0.0, bias=None, loss="hinge", steps=2000, rate=0.02, climbs=10, seed
):
    """Train a two-layer ReLU net by Adam with a step size that falls to 0, against an attack or none.

    Parameters
    ----------
    X, y, beta, radius, bias, loss
        See :func:`~robustnn_core.convex.fit_robust`.
    width : int >= 1
    attack : {None, "fgsm", "pgd"}
        What the points go through before every step.
    steps : int >= 1
    rate : float > 0
        The first step size.
    climbs : int >= 1
        Steps of PGD, each 2.5/climbs of the box, from a random start.
    seed : int, tuple or numpy Generator

    Returns
    -------
    GradientFit

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import train_gradient
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> f = train_gradient(X, [-1, -1, 1], width=8, beta=1e-3, attack="pgd", radius=0.1, bias=1, seed=0)
    >>> np.sign(f.net.predict(X))
    array([-1., -1.,  1.])
    """
    X, y, beta, loss = check_data(X, y, beta, loss)
    e = box(X, radius, bias=bias)
    width = checks.integer(width, "width", at_least=1)
    steps = checks.integer(steps, "steps", at_least=1)
    climbs = checks.integer(climbs, "climbs", at_least=1)
    rate = checks.number(rate, "rate", above=0.0)
    if attack not in _ATTACKS:
        raise ValueError(f"attack = {attack!r} must be None, 'fgsm' or 'pgd'")
    start, noise = streams.spawn(seed, 2)
    rng = streams.generator(start)
    U = rng.standard_normal((width, X.shape[1])) / np.sqrt(X.shape[1])
    alpha = rng.choice([-1.0, 1.0], size=width) / np.sqrt(width)
    with blas.single_thread():
        U, alpha, losses = descend(
            X, y, U, alpha, e, beta, loss, steps=steps, rate=rate, attack=attack, climbs=climbs, seed=noise
        )
    net = nets.ReLUSum(np.abs(alpha)[:, None] * U, np.where(alpha < 0, -1.0, 1.0))
    value = loss.value(net.predict(X), y)
    objective = float(value + beta * np.sqrt((net.weights**2).sum(axis=1)).sum())
    return GradientFit(net, objective, Trace(objective=losses), e)


def descend(X, y, U, alpha, e, beta, loss, *, steps, rate, attack=None, climbs=1, seed=0):
    """Move U (m, d) and alpha (m,) in place by Adam; return them and the regularised losses on the way.

    The kernels know of a loss its functions (loss, slope) of one point, their parameter, the divisor of the sum and
    whether it falls in the margin.
    """
    own = (loss.parameter, *loss.kernels(), float(len(y) if loss.mean else 1), loss.labels)
    state = streams.states(seed, 1)[0]  # drawn from by PGD only
    return _adam(X, y, np.ascontiguousarray(U), alpha, e, beta, own, _ATTACKS[attack], steps, rate, climbs, state)


@njit(cache=True)
def _slopes(f, y, loss, out):
    """d loss / d f in ``out``; returns the loss. ``loss``: of :func:`descend`."""
    parameter, point, bend, share, _ = loss
    value = 0.0
    for k in range(f.shape[0]):
        out[k] = bend(f[k], y[k], parameter) / share
        value += point(f[k], y[k], parameter) / share
    return value


@njit(cache=True)
def _ascend(X, Z, y, U, alpha, e, loss, share):
    """Move every row of Z by ``share`` of the box along the sign of its gradient, back into the box around X."""
    H = np.dot(Z, U.T)
    for k in range(H.shape[0]):
        f = 0.0
        for j in range(H.shape[1]):
            if H[k, j] >= 0:
                f += H[k, j] * alpha[j]
                H[k, j] = alpha[j]
            else:
                H[k, j] = 0.0
        side = -y[k] if loss[4] else (1.0 if f >= y[k] else -1.0)
        for j in range(H.shape[1]):
            H[k, j] *= side
    G = np.dot(H, U)
    for k in range(X.shape[0]):
        for i in range(X.shape[1]):
            moved = Z[k, i] + share * e[i] * np.sign(G[k, i])
            Z[k, i] = min(max(moved, X[k, i] - e[i]), X[k, i] + e[i])


@njit(cache=True)
def _adam(X, y, U, alpha, e, beta, loss, attack, steps, rate, climbs, state):
    n, d = X.shape
    m = U.shape[0]
    mU, vU, ma, va = np.zeros((m, d)), np.zeros((m, d)), np.zeros(m), np.zeros(m)
    slope, losses, noise = np.empty(n), np.empty(steps), np.empty(d)
    Z = X.copy()
    for t in range(steps):
        if attack > 0:
            for k in range(n):
                if attack == 2:
                    streams.fill_uniform(state, noise, -1.0, 1.0)
                for i in range(d):
                    Z[k, i] = X[k, i] + (e[i] * noise[i] if attack == 2 else 0.0)
            for _ in range(climbs if attack == 2 else 1):
                _ascend(X, Z, y, U, alpha, e, loss, 2.5 / climbs if attack == 2 else 1.0)
        H = np.maximum(np.dot(Z, U.T), 0.0)
        value = _slopes(np.dot(H, alpha), y, loss, slope)
        ga = np.dot(H.T, slope)
        for k in range(n):
            for j in range(m):
                H[k, j] = slope[k] * alpha[j] if H[k, j] > 0 else 0.0
        gU = np.dot(H.T, Z)
        penalty = 0.0
        now = rate * (1.0 - t / steps)
        c1, c2 = 1.0 - 0.9 ** (t + 1), 1.0 - 0.999 ** (t + 1)
        for j in range(m):
            penalty += alpha[j] * alpha[j]
            g = ga[j] + beta * alpha[j]
            ma[j] = 0.9 * ma[j] + 0.1 * g
            va[j] = 0.999 * va[j] + 0.001 * g * g
            alpha[j] -= now * (ma[j] / c1) / (np.sqrt(va[j] / c2) + 1e-8)
            for i in range(d):
                penalty += U[j, i] * U[j, i]
                g = gU[j, i] + beta * U[j, i]
                mU[j, i] = 0.9 * mU[j, i] + 0.1 * g
                vU[j, i] = 0.999 * vU[j, i] + 0.001 * g * g
                U[j, i] -= now * (mU[j, i] / c1) / (np.sqrt(vU[j, i] / c2) + 1e-8)
        losses[t] = value + 0.5 * beta * penalty
    return U, alpha, losses


@dataclass(frozen=True, eq=False)
class _InBox:
    """A net seen from inside the boxes of given points: its input is the move, in units of the radius."""

    net: object
    X: np.ndarray
    e: np.ndarray

    def predict(self, moves):
        return self.net.predict(self.X + moves * self.e)

    def pullback(self, moves, v):
        return self.net.pullback(self.X + moves * self.e, v) * self.e


def attack_box(net, X, y, *, radius, bias=None, method="pgd", steps=40, restarts=5, seed=None):
    """Return the points that :mod:`~robustnn_core.attacks` finds inside the boxes.

    Parameters
    ----------
    net : a net of the protocol of :mod:`~robustnn_core.attacks`
    X : array_like, shape (n, d)
    y : array_like of +-1, shape (n,)
    radius, bias
        See :func:`~robustnn_core.convex.box`.
    method : {"fgsm", "pgd"}
    steps, restarts, seed
        Of PGD, which starts at random and so needs a seed.

    Returns
    -------
    ndarray, shape (n, d)

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.convex import attack_box
    >>> attack_box(nets.ReLUSum([[2.0, 1.0]], [1]), [[1.0, 1.0]], [1], radius=0.25, bias=1, method="fgsm")
    array([[0.75, 1.  ]])
    """
    X = checks.array(X, "X", shape=("n", "d"))
    e = box(X, radius, bias=bias)
    checks.choice(method, "method", ("fgsm", "pgd"))
    if method == "pgd" and seed is None:
        raise ValueError("seed = None; PGD starts at random, so give a seed (or method='fgsm')")
    options = {"eps": 1.0} if method == "fgsm" else {"eps": 1.0, "steps": steps, "restarts": restarts, "seed": seed}
    found = getattr(attacks, method)(_InBox(net, X, e), np.zeros_like(X), y, **options)
    return X + found.eta * e
