r"""The proofs of the page on sampling: few draws are essential, one dual point is below every net."""

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.convex import losses, patterns, training
from robustnn_core.convex.price import price
from robustnn_core.convex.proofs._given import given
from robustnn_core.convex.reduction import reduce_blocks
from robustnn_core.ledger import Ledger

__all__ = ["few_essential", "global_certificate"]


def few_essential(X, y, gates, beta, *, loss="squared", gap=1e-6):
    r"""Count the draws without which the optimum rises: at most n.

    Every draw is left out once. It is essential if the lower bound without it exceeds the objective with it, so
    what is counted is certified.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    gates : array_like, shape (d, N)
        At least two draws; none with a point on its hyperplane.
    beta : float > 0
    loss : {"squared", "hinge", "logistic"}
    gap : float > 0
        Of the N solves.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.proofs import few_essential
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    >>> few_essential(X, y, rng.standard_normal((3, 12)), 0.05).assert_holds().rows[-1].rhs
    5.0
    """
    gates = checks.array(gates, "gates", shape=("d", "N"))
    X = checks.array(X, "X", shape=("n", gates.shape[0]))
    N = gates.shape[1]
    if N < 2:
        raise ValueError("gates has one column; without it no program is left, so give two or more")
    drawn = X @ gates >= 0.0
    keys = patterns.keys(drawn)
    zero = losses.get(loss).value(np.zeros(len(X)), np.asarray(y, dtype=float))

    def solve(index):
        """Upper and lower bound of the optimum with these draws, and the fit."""
        index = [index[j] for j in patterns.distinct(drawn[:, index]) if drawn[:, index[j]].any()]
        if not index:
            return zero, zero, None
        found = training.fit(X, y, patterns.Patterns(drawn[:, index], gates[:, index]), beta=beta, loss=loss, gap=gap)
        return found.objective, found.lower_bound, found

    upper, lower, found = solve(list(range(N)))
    without = [solve([i for i in range(N) if i != h])[1] if keys.count(keys[h]) == 1 else lower for h in range(N)]
    essential = int((np.array(without) > upper).sum())
    ledger = Ledger("Few draws are essential")
    if found is not None:
        small = reduce_blocks(X, y, found)
        size = np.linalg.norm(small.v, axis=0) + np.linalg.norm(small.w, axis=0)
        carried = np.flatnonzero(size > 1e-9 * max(size.max(), 1e-300))
        ledger.leq("(2)", r"\text{patterns that carry a block}\le n", len(carried), len(X))
        if len(carried):
            kept = training.fit(X, y, small.patterns.take(carried), beta=beta, loss=loss, gap=gap)
            ledger.leq("(2)", r"V(\text{the patterns with a block only})\le V_{N+1}", kept.lower_bound, upper)
    ledger.leq("(2)", r"\#\text{essential draws}\le n", essential, len(X))
    return ledger


def global_certificate(X, y, fit, seed, *, trials=200):
    r"""No net is below the dual value of a :math:`\lambda` whose price is at most beta.

    :math:`\lambda` is the dual of ``fit``, scaled by :math:`\min(1, \beta/\rho)` or less; :math:`\rho` is computed
    cell by cell. The rows are checked for random nets of 1 to 20 units and for the net of ``fit``.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Few enough for all patterns.
    y : array_like, shape (n,)
    fit : Fit or Refined
    seed : int, tuple or numpy Generator
    trials : int >= 1

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import patterns, training
    >>> from robustnn_core.convex.proofs import global_certificate
    >>> X, y = np.array([[-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]]), [1.0, 0.0, 1.0]
    >>> found = training.fit(X, y, patterns.sample_patterns(X, 2, seed=0), beta=0.1)
    >>> [row.label for row in global_certificate(X, y, found, seed=0).assert_holds().rows]
    ['(1)', '(2)', '(2)', 'bound']
    """
    X, y = given(X, y, fit)
    trials = checks.integer(trials, "trials", at_least=1)
    beta = fit.beta
    priced = price(X, fit.dual, beta, exhaustive=True, limit=200_000)
    theta, _ = fit.loss.scale(fit.dual, y, min(1.0, beta / priced.bound) if priced.bound > 0.0 else 1.0)
    lam = theta * fit.dual
    rho = theta * priced.bound
    bound = fit.loss.dual(lam, y)
    rng = streams.generator(seed)
    tried = [fit.net]
    for _ in range(trials):
        m = int(rng.integers(1, 21))
        tried.append(
            nets.ReLUSum(
                rng.choice([0.01, 0.1, 1.0]) * rng.standard_normal((m, X.shape[1])), rng.choice([-1.0, 1.0], m)
            )
        )
    losses, below, gains, lengths = [], [], [], []
    for net in tried:
        length = np.linalg.norm(net.weights, axis=1)
        gain = lam @ np.maximum(X @ net.weights.T, 0.0)
        losses.append(fit.loss.value(net.predict(X), y) + beta * length.sum())
        below.append(bound + (beta * length - net.signs * gain).sum())
        gains.append(np.abs(gain))
        lengths.append(length)
    gains, lengths = np.concatenate(gains), np.concatenate(lengths)
    ledger = Ledger("A certificate against all patterns")
    ledger.leq(
        "(1)",
        r"-L^*(-\lambda)+\sum_j(\beta|u_j|-s_j\lambda^\top(Xu_j)_+)\le L(p,y)+\beta\sum_j|u_j|",
        np.array(below),
        np.array(losses),
    )
    ledger.leq("(2)", r"|\lambda^\top(Xu_j)_+|\le\rho(\lambda)\,|u_j|", gains, rho * lengths)
    ledger.leq("(2)", r"\rho(\lambda)\le\beta", rho, beta)
    ledger.leq("bound", r"-L^*(-\lambda)\le\text{regularised loss of every net tried}", bound, np.array(losses))
    return ledger
