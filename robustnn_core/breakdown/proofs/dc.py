"""The proofs of *DC training*, step by step on live data."""

import numpy as np

from robustnn_core import checks, streams
from robustnn_core.breakdown import experiments, networks
from robustnn_core.ledger import Ledger

__all__ = ["majoriser"]


def majoriser(X, y, net, *, seed, trials=200):
    """Maj(V | U) touches the loss at U, lies above it and is convex: at random V, and along random segments.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    net : nets.ReLUSum
        U.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    trials : int >= 1
        How many V and segments.

    Examples
    --------
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.proofs import majoriser
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((40, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = majoriser(X, rng.standard_normal(40), net, seed=0).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    U, s = net.weights, net.signs
    linear = X @ U.T > 0

    def value(V):
        return _majorant(X, y, s, linear, V)

    def loss(V):
        return float(((y - np.maximum(X @ V.T, 0.0) @ s) ** 2).sum())

    rng = streams.generator(seed)
    trials = checks.integer(trials, "trials", at_least=1)
    V = U + rng.standard_normal((trials, *U.shape)) * np.exp(rng.uniform(-3, 2, (trials, 1, 1)))
    W = U + rng.standard_normal((trials, *U.shape)) * np.exp(rng.uniform(-3, 2, (trials, 1, 1)))
    at_v, at_w = np.array([value(v) for v in V]), np.array([value(w) for w in W])
    ledger = Ledger("The DC majoriser")
    ledger.eq("(1)", r"\mathrm{Maj}(U|U) = F(U)", value(U), loss(U))
    ledger.leq("(2)", r"F(V) \le \mathrm{Maj}(V|U)", [loss(v) for v in V], at_v)
    ledger.leq(
        "(3)",
        r"\mathrm{Maj}(\tfrac{V+W}2|U) \le \tfrac12(\mathrm{Maj}(V|U)+\mathrm{Maj}(W|U))",
        [value(0.5 * (v + w)) for v, w in zip(V, W)],
        0.5 * (at_v + at_w),
    )
    r = y - np.maximum(X @ U.T, 0.0) @ s
    order = np.argsort(r * r, kind="stable")
    h = max(1, 3 * len(y) // 4)
    best = (r[order[:h]] ** 2).sum()
    others = [(r[rng.permutation(len(y))[:h]] ** 2).sum() for _ in range(20)]
    others += [best - r[i] ** 2 + r[j] ** 2 for i in order[:h] for j in order[h:]]  # one point exchanged
    ledger.leq("(4)", r"F_h(U) = \min_{|S|=h} \sum_S r_i^2", networks.trimmed_loss(net, X, y, keep=h), others)
    step = experiments.minimise_majoriser(X, y, net)[0].weights
    ledger.leq(
        "(5)", r"F(U^{t+1}) \le \mathrm{Maj}(U^{t+1}|U^t) \le F(U^t)", [loss(step), value(step)], [value(step), loss(U)]
    )
    return ledger


def _majorant(X, y, s, linear, V):
    """Maj(V | U), with the pattern of U in ``linear``."""
    bent, flat = np.maximum(X @ V.T, 0.0), linear * (X @ V.T)
    plus, minus = s > 0, s < 0
    p, q = bent[:, plus].sum(1) + np.maximum(-y, 0), bent[:, minus].sum(1) + np.maximum(y, 0)
    p_flat, q_flat = flat[:, plus].sum(1) + np.maximum(-y, 0), flat[:, minus].sum(1) + np.maximum(y, 0)
    return float((np.maximum(p - q_flat, 0) ** 2 + np.maximum(q - p_flat, 0) ** 2).sum())
