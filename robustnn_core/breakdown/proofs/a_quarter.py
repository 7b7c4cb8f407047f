"""The proofs of *A quarter, not a half*, step by step on live data."""

import itertools

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.breakdown import impostors, theory
from robustnn_core.ledger import Ledger

__all__ = ["coverage", "factor_two", "identifiability", "relu_distance"]


def relu_distance(X, weights):
    """The distance of one ReLU unit is #active - d + 1: an impostor that attains it, and no nearer one.

    Parameters
    ----------
    X : array_like, shape (n, d)
        n <= 14: the lower bound is checked by enumeration.
    weights : array_like, shape (d,)

    Examples
    --------
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.proofs import relu_distance
    >>> X = streams.generator(3).standard_normal((9, 2))
    >>> ledger = relu_distance(X, [1.0, 0.3]).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    distance = theory.relu_distance(X, u)
    n, d = X.shape
    z = X @ u
    active = np.flatnonzero(z > 0)
    shared, w, t = _nearest_unit(X, u)
    impostor = np.maximum(X @ (u + t * w), 0.0)
    moved = np.abs(impostor - np.maximum(z, 0.0)) > 1e-12
    ledger = Ledger("Distance of one ReLU unit")
    ledger.eq("(1)", r"w \perp x_i \text{ for } d-1 \text{ active } i", X[shared] @ w if d > 1 else 0.0, 0.0)
    ledger.eq(
        "(2)",
        r"\operatorname{sign}((u + tw)\cdot x_i) = \operatorname{sign}(u \cdot x_i)",
        np.sign(X @ (u + t * w)),
        np.sign(z),
    )
    ledger.eq("(3)", r"\#\{f' \ne f^*\} = \#\text{active} - d + 1", float(moved.sum()), float(active.size - d + 1))
    ledger.eq(
        "(4)",
        r"d(f^*) \text{ by enumeration} = \#\text{active} - d + 1",
        float(theory.exhaustive_distance(X, u)),
        float(distance),
    )
    half = nets.ReLUSum([0.5 * u], [1]).predict(X)
    ledger.eq(
        "(5)",
        r"f' = c f^*: \#\{f' \ne f^*\} = \#\text{active}",
        float((half != np.maximum(z, 0.0)).sum()),
        float(active.size),
    )
    return ledger


def _nearest_unit(X, u):
    """d - 1 active points, w orthogonal to them, and a t so small that u + t w is active where u is."""
    d = len(u)
    shared = np.flatnonzero(X @ u > 0)[: d - 1]
    w = np.linalg.svd(X[shared])[2][-1] if d > 1 else np.ones(1)
    slope = np.abs(X @ w)
    return shared, w, 0.5 * np.min(np.abs(X @ u)[slope > 1e-12] / slope[slope > 1e-12])


def coverage(X, weights):
    """LTS with coverage h recovers one unit iff m <= n - h and m <= h - n + d(f*) - 1: tried for every h and m.

    For every m two sets of labels are built. In one the nearest other unit f' explains m of the points where it
    differs; f* fails where the trimmed loss of f' is not larger. In the other m active labels are lies of different
    sizes; f* fails where a small step lowers its trimmed loss. What it survives is compared with the formula.

    Parameters
    ----------
    X : array_like, shape (n, d)
        As in :func:`~robustnn_core.breakdown.theory.relu_distance`.
    weights : array_like, shape (d,)

    Examples
    --------
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.proofs import coverage
    >>> ledger = coverage(streams.generator(0).standard_normal((12, 2)), [1.0, 0.3]).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    n, d = len(X), theory.relu_distance(X, u)
    _, w, t = _nearest_unit(X, u)
    truth, other = np.maximum(X @ u, 0.0), np.maximum(X @ (u + t * w), 0.0)
    differ = np.argsort(-np.abs(other - truth), kind="stable")  # most first: those at which f' does not differ, last
    nothing = 1e-20 * (truth @ truth)  # a square below it is rounding

    def trimmed(fitted, y, h):
        value = np.sort((y - fitted) ** 2)[:h].sum()
        return value if value > nothing else 0.0

    def recovers(h, m):
        y = truth.copy()
        y[differ[:m]] = other[differ[:m]]
        if trimmed(other, y, h) <= trimmed(truth, y, h):
            return False
        y = truth.copy()
        y[np.argsort(-truth, kind="stable")[:m]] += 1.0 + np.arange(m)
        kept = np.argsort(np.abs(y - truth), kind="stable")[:h]
        slope = X[kept].T @ ((y - truth) * (truth > 0.0))[kept]
        now = trimmed(truth, y, h)
        return not any(trimmed(np.maximum(X @ (u + 2.0**-k * slope), 0.0), y, h) < now for k in range(40))

    attained = []
    for h in range(1, n + 1):
        attained.append(next((m for m in range(d + 1) if not recovers(h, m)), d + 1) - 1.0)
    limit = [float(theory.coverage_limit(n, h, d)) for h in range(1, n + 1)]
    ledger = Ledger("The right coverage")
    ledger.eq("(1)", r"\max m = \min(n-h,\; h-n+d-1) \text{ for every } h", attained, limit)
    ledger.eq("(2)", r"\max_h \max m = \lceil d/2 \rceil - 1", max(attained), float(theory.breakdown_count(d)))
    ledger.eq("(3)", r"\text{attained at } h = n - m^*", attained[theory.best_coverage(n, d) - 1], max(attained))
    ledger.lt("(4)", r"h \le n - d \text{ fails on clean labels}", np.array(attained[: n - d] or [-1.0]), 0.0)
    return ledger


def factor_two(X, u, *, seed, trials=20):
    """Conditioning on u . x > 0 does not change the law of |v . x|, for a law that is symmetric.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The law is uniform on the rows; with every x it should have -x, and no row with u . x = 0. Neither is taken
        for granted: where one fails, so do the rows.
    u : array_like, shape (d,)
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    trials : int >= 1
        Directions v.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.proofs import factor_two
    >>> half = streams.generator(0).standard_normal((200, 3))
    >>> ledger = factor_two(np.vstack([half, -half]), [1.0, 0.0, 0.0], seed=0).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(u, "u", shape=(X.shape[1],))
    active = X[X @ u > 0]
    V = streams.generator(seed).standard_normal((checks.integer(trials, "trials", at_least=1), X.shape[1]))
    there, everywhere = np.abs(V @ active.T), np.abs(V @ X.T)
    levels = (np.arange(50) + 1.0 / np.pi) / 50.0  # never a multiple of 1/N
    ledger = Ledger("The factor two")
    ledger.eq("(1)", r"\Pr(u \cdot x > 0) = \tfrac12", len(active) / len(X), 0.5)
    ledger.eq(
        "(2)",
        r"|v\cdot x| \text{ given } u \cdot x > 0 \;\sim\; |v \cdot x| \text{: its quantiles}",
        np.quantile(there, levels, axis=1, method="inverted_cdf"),
        np.quantile(everywhere, levels, axis=1, method="inverted_cdf"),
    )
    for b in (0.05, 0.2):
        tail, whole = (
            np.sort(values**2)[:, -max(1, int(b * values.shape[1])) :].sum(axis=1) / values.shape[1]
            for values in (there, everywhere)
        )
        ledger.eq(f"(3) b={b}", r"L_2(b) \text{ on the active half} = L_2(b)", tail, whole)
    return ledger


def identifiability(net, X):
    """f is half a linear map plus half of sum s_k |u_k . x|; flipping a set S with sum_S s_k u_k = 0 leaves f alone.

    Parameters
    ----------
    net : nets.ReLUSum
    X : array_like, shape (n, d)

    Examples
    --------
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.proofs import identifiability
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, 1, -1])
    >>> ledger = identifiability(net, streams.generator(0).standard_normal((50, 2))).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    U, s = net.weights, net.signs
    Z = X @ U.T
    f = net.predict(X)
    ledger = Ledger("What the function tells about its units")
    ledger.eq(
        "(1)",
        r"f(x) = \tfrac12 \sum_k s_k u_k \cdot x + \tfrac12 \sum_k s_k |u_k \cdot x|",
        f,
        0.5 * Z @ s + 0.5 * np.abs(Z) @ s,
    )
    ledger.eq("(2)", r"f(x) - f(-x) = \sum_k s_k u_k \cdot x", f - net.predict(-X), Z @ s)
    for subset in impostors.flips(U, s):
        flipped = U.copy()
        flipped[list(subset)] *= -1
        ledger.eq(
            f"(3) {subset}",
            r"\sum_S s_k u_k = 0 \Rightarrow \text{flipping } S \text{ changes nothing}",
            nets.ReLUSum(flipped, s).predict(X),
            f,
        )
    lone = [subset for r in range(1, len(U) + 1) for subset in itertools.combinations(range(len(U)), r)]
    lone = [subset for subset in lone if subset not in impostors.flips(U, s)][:50]
    changes = []
    for subset in lone:
        flipped = U.copy()
        flipped[list(subset)] *= -1
        changes.append(np.abs(nets.ReLUSum(flipped, s).predict(X) - f).max())
    if changes:
        ledger.lt("(4)", r"\text{every other flip changes } f", 0.0, changes)
    return ledger
