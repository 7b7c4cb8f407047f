r"""The proofs of the page on hidden convexity."""

from dataclasses import replace

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.convex import patterns, program
from robustnn_core.convex.proofs._given import given
from robustnn_core.convex.reduction import reduce_blocks
from robustnn_core.ledger import Ledger

__all__ = ["hidden_convexity"]


def hidden_convexity(X, y, fit, seed, *, units=30):
    r"""Nets are feasible points and back; an optimal point needs at most n blocks.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Without a zero row, few enough for all patterns.
    y : array_like, shape (n,)
    fit : Fit
        With all open patterns that see a point, and a gap of about 1e-7: row (6) is exact for a minimiser only.
    seed : int, tuple or numpy Generator
        Of the random net of part 2.
    units : int >= 1
        Of that net.

    Raises
    ------
    ValueError
        A fit without some pattern that the net uses.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.proofs import hidden_convexity
    >>> from robustnn_core import convex
    >>> X, y = np.array([[-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]]), [1.0, 0.0, 1.0]
    >>> found = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1, gap=1e-7)
    >>> [row.label for row in hidden_convexity(X, y, found, seed=0).assert_holds().rows]
    ['(1)', '(1)', '(2)', '(3)', '(4)', '(5)', '(6)', 'n']
    """
    X, y = given(X, y, fit)
    units = checks.integer(units, "units", at_least=1)
    beta, P = fit.beta, fit.patterns.count
    D = fit.patterns.active.astype(float)
    E = 2.0 * D - 1.0
    U = np.hstack([fit.v, fit.w])
    sign = np.repeat([1.0, -1.0], P)
    tau = np.linalg.norm(U, axis=0)
    own = fit.loss.value(fit.net.predict(X), y) + beta * np.linalg.norm(fit.net.weights, axis=1).sum()
    ledger = Ledger("Hidden convexity")
    ledger.eq(
        "(1)",
        r"D_iXv_i=(Xv_i)_+,\ D_iXw_i=(Xw_i)_+",
        np.tile(D, 2) * (X @ U) + 0.0,
        np.maximum(X @ U, 0.0),
        scale=max(tau.max(), 1e-300),
    )
    ledger.eq("(1)", r"\text{objective of the net}=\text{objective of the program}", own, fit.objective)
    # part 2: a net becomes a feasible point
    rng = streams.generator(seed)
    net = nets.ReLUSum(rng.standard_normal((units, X.shape[1])), rng.choice([-1.0, 1.0], units))
    where = {key: i for i, key in enumerate(patterns.keys(fit.patterns.active))}
    seen = X @ net.weights.T >= 0.0
    blocks = np.zeros((2, X.shape[1], P))
    for key, some, u, s in zip(patterns.keys(seen), seen.T, net.weights, net.signs):
        if key in where:
            blocks[int(s < 0.0), :, where[key]] += u
        elif some.any():
            raise ValueError(f"fit has no pattern for a random unit {u}; solve it with all of enumerate_patterns(X)")
    v, w = blocks
    moved = (D * (X @ (v - w))).sum(axis=1)
    ledger.leq("(2)", r"0\le(2D_i-I)Xv_i,\ 0\le(2D_i-I)Xw_i", 0.0, np.stack([E * (X @ v), E * (X @ w)]) + 0.0)
    ledger.eq("(3)", r"\sum_iD_iX(v_i-w_i)=\sum_js_j(Xu_j)_+", moved, net.predict(X))
    norms = np.linalg.norm(v, axis=0).sum() + np.linalg.norm(w, axis=0).sum()
    ledger.leq("(4)", r"\sum_i(|v_i|+|w_i|)\le\sum_j|u_j|", norms, np.linalg.norm(net.weights, axis=1).sum())
    # part 4: the hyperplane that supports the convex hull at p/N, and what Caratheodory leaves
    N = tau.sum()
    long = tau > 1e-3 * tau.max()
    p = fit.net.predict(X)
    objective = program.upper_bound(X, y, fit.patterns, beta, fit.loss, fit.v, fit.w)[2]
    small = reduce_blocks(X, y, replace(fit, objective=objective))
    if N > 0.0:
        G = sign * np.maximum(X @ (U / np.where(tau > 0.0, tau, 1.0)), 0.0)
        ledger.eq("(5)", r"p/N=\sum_b(\tau_b/N)\,g_b", p / N, G @ (tau / N))
        # mu is the dual: lambda.g <= beta for all g, and the gap is at least sum_b tau_b (beta - lambda.g_b)
        ledger.eq(
            "(6)",
            r"\mu\cdot g_b=\mu\cdot p/N\quad(\mu=\lambda/\beta)",
            fit.dual @ G[:, long] / beta,
            fit.dual @ p / (beta * N),
            tol=1e-4,
        )
    left = np.linalg.norm(np.hstack([small.v, small.w]), axis=0)
    ledger.leq(
        "n",
        r"\text{nonzero blocks after the reduction}\le n",
        int((left > 1e-9 * max(left.max(), 1e-300)).sum()),
        len(X),
    )
    return ledger
