r"""The proofs of the convex part, step by step on live data.

Each function takes data and what was solved, and returns a :class:`~robustnn_core.ledger.Ledger` with one row for
each numbered (in)equality of the proof on the page.
"""

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.convex import generation, patterns, program, sparse, training
from robustnn_core.ledger import Ledger

__all__ = ["few_essential", "global_certificate", "hidden_convexity"]


def hidden_convexity(X, y, fit, seed, *, units=30):
    r"""Nets are feasible points and back; an optimal point needs at most n blocks.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Without a zero row, few enough for all patterns.
    y : array_like, shape (n,)
    fit : Fit
        With all open patterns that see a point.
    seed : int or tuple
        Of the random net of part 2.
    units : int >= 1
        Of that net.

    Raises
    ------
    ValueError
        A fit without some pattern that the net uses.

    Examples
    --------
    >>> X, y = np.array([[-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]]), [1.0, 0.0, 1.0]
    >>> found = training.fit(X, y, patterns.enumerate_patterns(X), beta=0.1, tol=1e-7)
    >>> [row.label for row in hidden_convexity(X, y, found, seed=0).assert_holds().rows]
    ['(1)', '(1)', '(2)', '(3)', '(4)', '(5)', '(6)', 'n']
    """
    X, y = _data(X, y, fit)
    units = checks.integer(units, "units", at_least=1)
    beta, P = fit.beta, fit.patterns.count
    D = fit.patterns.active.astype(float)
    E = 2.0 * D - 1.0
    U = np.hstack([fit.v, fit.w])
    sign = np.repeat([1.0, -1.0], P)
    tau = np.linalg.norm(U, axis=0)
    own = program.loss_value(fit.loss, fit.net.predict(X), y) + beta * np.linalg.norm(fit.net.weights, axis=1).sum()
    ledger = Ledger("Hidden convexity")
    ledger.eq("(1)", r"D_iXv_i=(Xv_i)_+,\ D_iXw_i=(Xw_i)_+", np.tile(D, 2) * (X @ U) + 0.0, np.maximum(X @ U, 0.0), scale=max(tau.max(), 1e-300))
    ledger.eq("(1)", r"\text{objective of the net}=\text{objective of the program}", own, fit.objective)
    # part 2: a net becomes a feasible point
    rng = streams.generator(seed)
    net = nets.ReLUSum(rng.standard_normal((units, X.shape[1])), rng.choice([-1.0, 1.0], units))
    where = {key: i for i, key in enumerate(patterns._keys(fit.patterns.active))}
    seen = X @ net.weights.T >= 0.0
    blocks = np.zeros((2, X.shape[1], P))
    for key, some, u, s in zip(patterns._keys(seen), seen.T, net.weights, net.signs):
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
    small = sparse.reduce_blocks(X, fit)
    if N > 0.0:
        G = sign * np.maximum(X @ (U / np.where(tau > 0.0, tau, 1.0)), 0.0)
        ledger.eq("(5)", r"p/N=\sum_b(\tau_b/N)\,g_b", p / N, G @ (tau / N))
        # mu is the dual: lambda.g <= beta for all g, and the gap is at least sum_b tau_b (beta - lambda.g_b)
        room = 2.0 * (fit.objective - fit.lower_bound) / (beta * tau[long].min()) + 1e-9
        ledger.eq("(6)", r"\mu\cdot g_b=\mu\cdot p/N\quad(\mu=\lambda/\beta)", fit.dual @ G[:, long] / beta, fit.dual @ p / (beta * N), tol=room)
    left = np.linalg.norm(np.hstack([small.v, small.w]), axis=0)
    ledger.leq("n", r"\text{nonzero blocks after the reduction}\le n", int((left > 1e-9 * max(left.max(), 1e-300)).sum()), len(X))
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
    seed : int or tuple
    trials : int >= 1

    Examples
    --------
    >>> X, y = np.array([[-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]]), [1.0, 0.0, 1.0]
    >>> found = training.fit(X, y, patterns.sample_patterns(X, 2, seed=0), beta=0.1)
    >>> [row.label for row in global_certificate(X, y, found, seed=0).assert_holds().rows]
    ['(1)', '(2)', '(2)', 'bound']
    """
    X, y = _data(X, y, fit)
    trials = checks.integer(trials, "trials", at_least=1)
    beta = fit.beta
    priced = generation._price_all(X, fit.dual, beta, patterns.enumerate_patterns(X))
    theta, _ = program.best_scale(fit.loss, fit.dual, y, min(1.0, beta / priced.bound) if priced.bound > 0.0 else 1.0)
    lam = theta * fit.dual
    rho = theta * priced.bound
    bound = program.dual_value(fit.loss, lam, y)
    rng = streams.generator(seed)
    tried = [fit.net]
    for _ in range(trials):
        m = int(rng.integers(1, 21))
        tried.append(nets.ReLUSum(rng.choice([0.01, 0.1, 1.0]) * rng.standard_normal((m, X.shape[1])), rng.choice([-1.0, 1.0], m)))
    losses, below, gains, lengths = [], [], [], []
    for net in tried:
        length = np.linalg.norm(net.weights, axis=1)
        gain = lam @ np.maximum(X @ net.weights.T, 0.0)
        losses.append(program.loss_value(fit.loss, net.predict(X), y) + beta * length.sum())
        below.append(bound + (beta * length - net.signs * gain).sum())
        gains.append(np.abs(gain))
        lengths.append(length)
    gains, lengths = np.concatenate(gains), np.concatenate(lengths)
    ledger = Ledger("A certificate against all patterns")
    ledger.leq("(1)", r"-L^*(-\lambda)+\sum_j(\beta|u_j|-s_j\lambda^\top(Xu_j)_+)\le L(p,y)+\beta\sum_j|u_j|", np.array(below), np.array(losses))
    ledger.leq("(2)", r"|\lambda^\top(Xu_j)_+|\le\rho(\lambda)\,|u_j|", gains, rho * lengths)
    ledger.leq("(2)", r"\rho(\lambda)\le\beta", rho, beta)
    ledger.leq("bound", r"-L^*(-\lambda)\le\text{regularised loss of every net tried}", bound, np.array(losses))
    return ledger


def few_essential(X, y, gates, beta, *, loss="squared", tol=1e-6):
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
    tol : float > 0
        Of the N solves.

    Examples
    --------
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
    keys = patterns._keys(drawn)
    zero = program.loss_value(loss, np.zeros(len(X)), np.asarray(y, dtype=float))

    def solve(index):
        """Upper and lower bound of the optimum with these draws, and the fit."""
        index = [i for j, i in enumerate(index) if drawn[:, i].any() and keys[i] not in {keys[k] for k in index[:j]}]
        if not index:
            return zero, zero, None
        found = training.fit(X, y, patterns.Patterns(drawn[:, index], gates[:, index]), beta=beta, loss=loss, tol=tol)
        return found.objective, found.lower_bound, found

    upper, lower, found = solve(range(N))
    without = [solve([i for i in range(N) if i != h])[1] if keys.count(keys[h]) == 1 else lower for h in range(N)]
    essential = int((np.array(without) > upper).sum())
    ledger = Ledger("Few draws are essential")
    if found is not None:
        small = sparse.reduce_blocks(X, found)
        size = np.linalg.norm(small.v, axis=0) + np.linalg.norm(small.w, axis=0)
        carried = np.flatnonzero(size > 1e-9 * max(size.max(), 1e-300))
        ledger.leq("(2)", r"\text{patterns that carry a block}\le n", len(carried), len(X))
        if len(carried):
            kept = training.fit(X, y, small.patterns.take(carried), beta=beta, loss=loss, tol=tol)
            ledger.leq("(2)", r"V(\text{the patterns with a block only})\le V_{N+1}", kept.lower_bound, upper)
    ledger.leq("(2)", r"\#\text{essential draws}\le n", essential, len(X))
    return ledger


def _data(X, y, fit):
    if not isinstance(fit, program.Fit):
        raise ValueError(f"fit = {fit!r} must be a Fit; make it by convex.fit(X, y, patterns, beta=...)")
    return program.check_problem(X, y, fit.patterns, fit.beta, fit.loss)[:2]
