r"""The proofs of the convex part, step by step on live data; those of adversarial training are in ``proofs_robust``.

Each function takes data and what was solved, and returns a :class:`~robustnn_core.ledger.Ledger` with one row for
each numbered (in)equality of the proof on the page.
"""

from dataclasses import replace

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.convex import generation, losses, patterns, program, solvers, sparse, training
from robustnn_core.ledger import Ledger

__all__ = [
    "admm_steps",
    "block_structure",
    "certificate",
    "conjugate",
    "few_essential",
    "gap_is_complementarity",
    "global_certificate",
    "hidden_convexity",
    "strong_duality",
]


def hidden_convexity(X, y, fit, seed, *, units=30):
    r"""Nets are feasible points and back; an optimal point needs at most n blocks.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Without a zero row, few enough for all patterns.
    y : array_like, shape (n,)
    fit : Fit
        With all open patterns that see a point, and a gap of about 1e-7: row (6) is exact for a minimiser only.
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
    objective = program.upper_bound(X, y, fit.patterns, beta, fit.loss, fit.v, fit.w)[2]
    small = sparse.reduce_blocks(X, y, replace(fit, objective=objective))
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
    priced = generation.price(X, fit.dual, beta, exhaustive=True, limit=200_000)
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
    zero = losses.get(loss).value(np.zeros(len(X)), np.asarray(y, dtype=float))

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
        small = sparse.reduce_blocks(X, y, found)
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


def block_structure(X, patterns, *, seed=0):
    """One factor for all blocks: the rows of the cones, the coupling of the predictions, the Newton system.

    Examples
    --------
    >>> X, _, patterns = solvers.problem(15, 3, 6)
    >>> len(block_structure(X, patterns).assert_holds().rows)
    4
    """
    F, G = solvers.blocks(X, patterns)
    n, d = X.shape
    gram = X.T @ X
    M = np.eye(d) + gram
    coupling = sum(F[b] @ np.linalg.solve(M, F[b].T) for b in range(len(F)))
    D = patterns.active.astype(float)
    hadamard = 2.0 * (D @ D.T) * (X @ np.linalg.solve(M, X.T))
    rng = streams.generator(seed)
    R = rng.standard_normal((len(F), d, d))
    H, delta, g = R @ R.transpose(0, 2, 1) + np.eye(d), rng.uniform(0.1, 1.0, n), rng.standard_normal((len(F), d))
    fast, plain = solvers.newton_structured(X, patterns, H, delta, g), solvers.newton_dense(F, H, delta, g)
    weights = rng.uniform(0.1, 1.0, (len(F), n))
    weighted = np.einsum("bkd,bk,bke->bde", G, weights, G)
    ledger = Ledger("What all blocks share")
    ledger.eq(
        "(1)",
        r"G_b^\top G_b = X^\top X",
        np.einsum("bkd,bke->bde", G, G),
        np.broadcast_to(gram, (len(F), d, d)),
        scale=np.abs(gram).max(),
    )
    ledger.eq(
        "(2)", r"FM^{-1}F^\top = 2(DD^\top)\circ(XM^{-1}X^\top)", coupling, hadamard, scale=np.abs(hadamard).max()
    )
    ledger.eq(
        "(3)",
        r"G_b^\top\mathrm{diag}(q_b)G_b = X^\top\mathrm{diag}(q_b)X",
        weighted,
        np.einsum("kd,bk,ke->bde", X, weights, X),
    )
    ledger.eq(
        "(4)",
        r"\text{factors of size } d \text{ and } n = \text{one of size } 2Pd",
        fast,
        plain,
        scale=np.abs(plain).max(),
    )
    return ledger


def conjugate(loss, y, *, seed=0):
    r"""Young's inequality :math:`L(p) \ge -\lambda^\top p - L^*(-\lambda)`, and where it is an equality.

    Examples
    --------
    >>> len(conjugate("logistic", [1.0, -1.0, 1.0]).assert_holds().rows)
    2
    """
    y = checks.array(y, "y", shape=("n",))
    rng, n = streams.generator(seed), y.size
    predictions = 3.0 * rng.standard_normal((200, n))
    loss = losses.get(loss)
    anywhere = [loss.clip(rng.standard_normal(n) / (n if loss.mean else 1), y) for _ in range(200)]
    ledger = Ledger(f"The conjugate of the {loss.name} loss")
    values = np.array([losses.get(loss).value(p, y) for p in predictions])
    bounds = np.array([losses.get(loss).dual(z, y) - z @ p for z, p in zip(anywhere, predictions)])
    tight = np.array([loss.dual(-loss.slope(p, y), y) + loss.slope(p, y) @ p for p in predictions])
    ledger.leq("(1)", r"-\lambda^\top p - L^*(-\lambda) \le L(p)", bounds, values)
    ledger.eq("(2)", r"\lambda = -\nabla L(p): \text{ equality}", tight, values, 1e-8)
    return ledger


def strong_duality(X, y, fit):
    """The dual point of a fit is feasible, complementary to the blocks, and its value is the optimum.

    Everything is computed from the blocks and the dual point; the bounds that the fit reports are not used, and the
    tolerance is 1e-6 of the objective whatever its gap.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    fit : Fit
        With a gap of 1e-6 or less.

    Examples
    --------
    >>> from robustnn_core import convex
    >>> X, y, patterns = solvers.problem(15, 3, 6)
    >>> len(strong_duality(X, y, convex.fit(X, y, patterns, beta=0.2, tol=1e-8)).assert_holds().rows)
    3
    """
    X, y = _data(X, y, fit)
    F, _ = solvers.blocks(X, fit.patterns)
    U = np.concatenate([fit.v.T, fit.w.T])
    sizes = fit.beta * np.linalg.norm(U, axis=1)
    objective = fit.loss.value(np.einsum("bkd,bd->k", F, U), y) + sizes.sum()
    _, lengths = solvers.multipliers(X, fit.patterns, fit.dual)
    ledger = Ledger("Strong duality")
    ledger.leq(
        "(1)",
        r"\min_{\mu_b\ge0}|F_b^\top\lambda + G_b^\top\mu_b| \le \beta",
        lengths,
        fit.beta,
        1e-8,
        scale=fit.beta,
    )
    ledger.eq(
        "(2)",
        r"\lambda^\top F_bu_b = \beta|u_b|",
        np.einsum("k,bkd,bd->b", fit.dual, F, U),
        sizes,
        1e-6,
        scale=objective,
    )
    ledger.eq(
        "(3)",
        r"-L^*(-\lambda) = \text{the optimum}",
        fit.loss.dual(fit.dual, y),
        objective,
        1e-6,
        scale=objective,
    )
    return ledger


def certificate(X, y, fit, *, noise=0.1, seed=0):
    """Certificates from a spoilt solution: blocks outside their cones, a dual point outside its box.

    Parameters
    ----------
    fit : Fit
        Its optimum is what both certificates must enclose.
    noise : float >= 0
        What is added to the blocks and to lambda, relative to their size.

    Examples
    --------
    >>> from robustnn_core import convex
    >>> X, y, patterns = solvers.problem(15, 3, 6, loss="hinge")
    >>> fit = convex.fit(X, y, patterns, beta=0.02, loss="hinge", tol=1e-8)
    >>> len(certificate(X, y, fit).assert_holds().rows)
    7
    """
    noise = checks.number(noise, "noise", at_least=0.0)
    beta, loss, patterns = fit.beta, fit.loss, fit.patterns
    F, G = solvers.blocks(X, patterns)
    U, dual = solvers.spoilt(fit, noise, seed)
    lower, z, mu = solvers.lower_certificate(X, y, patterns, beta, loss, dual)
    upper, V, t, push = solvers.upper_certificate(X, y, patterns, beta, loss, U)
    lengths = np.linalg.norm(np.einsum("bkd,k->bd", F, z) + np.einsum("bkd,bk->bd", G, mu), axis=1)
    at = np.concatenate([fit.v.T, fit.w.T])
    p = np.einsum("bkd,bd->k", F, at)
    before, after = np.einsum("bkd,bd->k", F, U), np.einsum("bkd,bd->k", F, V)
    spoilt = losses.get(loss).value(before, y) + beta * np.linalg.norm(U, axis=1).sum()
    ledger = Ledger(f"A bracket from anything, {loss} loss")
    ledger.leq("(1)", r"-\lambda^\top p - L^*(-\lambda) \le L(p)", lower - z @ p, losses.get(loss).value(p, y))
    ledger.leq(
        "(2)",
        r"\lambda^\top F_bu_b \le |F_b^\top\lambda + G_b^\top\mu_b||u_b|",
        np.einsum("k,bkd,bd->b", z, F, at),
        lengths * np.linalg.norm(at, axis=1),
    )
    ledger.leq("(3)", r"|F_b^\top\lambda + G_b^\top\mu_b| \le \beta", lengths, beta)
    ledger.leq("(4)", r"0 \le G_b(u_b + t_ia_i)", 0.0, np.einsum("bkd,bd->bk", G, V))
    ledger.eq("(5)", r"\text{the predictions stay}", after, before)
    ledger.leq(
        "(6)",
        r"\text{new objective} \le \text{old one} + 2\beta\sum_i t_i|a_i|",
        upper,
        spoilt + 2.0 * beta * (t * np.linalg.norm(push, axis=1)).sum(),
    )
    ledger.leq(
        "(7)", r"\text{lower} \le \text{optimum} \le \text{upper}", [lower, fit.lower_bound], [fit.objective, upper]
    )
    return ledger


def gap_is_complementarity(X, y, patterns, *, beta, loss="squared", seed=0):
    """The gap of any primal point and its own dual residual is a sum of products, one for each cone.

    Examples
    --------
    >>> X, y, patterns = solvers.problem(15, 3, 6)
    >>> len(gap_is_complementarity(X, y, patterns, beta=0.3).assert_holds().rows)
    1
    """
    F, G = solvers.blocks(X, patterns)
    rng = streams.generator(seed)
    U, mu = rng.standard_normal((len(F), X.shape[1])), rng.uniform(0.0, 1.0, (len(F), len(X)))
    t = np.linalg.norm(U, axis=1) + rng.uniform(0.0, 1.0, len(F))
    p = np.einsum("bkd,bd->k", F, U)
    dual = -losses.get(loss).slope(p, y)
    rest = -np.einsum("bkd,k->bd", F, dual) - np.einsum("bkd,bk->bd", G, mu)
    gap = losses.get(loss).value(p, y) + beta * t.sum() - losses.get(loss).dual(dual, y)
    products = (np.einsum("bkd,bd->bk", G, U) * mu).sum() + (beta * t + (U * rest).sum(axis=1)).sum()
    ledger = Ledger("The gap is the complementarity")
    return ledger.eq(
        "(1)",
        r"\text{primal} - \text{dual} = \sum_b\bigl(\beta t_b + u_b\cdot c_b + s_b\cdot\mu_b\bigr)",
        gap,
        products,
    )


def admm_steps(X, y, patterns, *, beta, loss="squared", kappa=0.5, rho=2.0, seed=0):
    """Each step of the splitting is the minimum it claims to be: no random point is better, and the gradient vanishes.

    Examples
    --------
    >>> X, y, patterns = solvers.problem(15, 3, 6, loss="logistic")
    >>> len(admm_steps(X, y, patterns, beta=0.1, loss="logistic").assert_holds().rows)
    4
    """
    F, G = solvers.blocks(X, patterns)
    rng, (B, n, d) = streams.generator(seed), F.shape
    flat = F.transpose(1, 0, 2).reshape(n, B * d)
    z, s, q = rng.standard_normal((B, d)), rng.standard_normal((B, n)), rng.standard_normal(n)
    h = z + np.einsum("bkd,bk->bd", G, s) + kappa * np.einsum("bkd,k->bd", F, q)
    U = solvers.newton_structured(X, patterns, np.broadcast_to(np.eye(d) + X.T @ X, (B, d, d)), np.full(n, kappa), h)
    slope = (
        U
        - z
        + np.einsum("bkd,bk->bd", G, np.einsum("bkd,bd->bk", G, U) - s)
        + kappa * (flat.T @ (flat @ U.ravel() - q)).reshape(B, d)
    )
    # other points: at random, of all sizes, and between the minimum and where it came from
    sizes, part = np.exp(rng.uniform(-7.0, 1.0, 100)), np.r_[np.linspace(-0.5, 0.5, 100), 1.0]
    Z = _shrunk(z, beta / rho)
    other = np.concatenate(
        [Z + sizes[:, None, None] * rng.standard_normal((100, B, d)), Z + part[:, None, None] * (z - Z)]
    )
    norms = [beta * np.linalg.norm(a, axis=-1) + 0.5 * rho * ((a - z) ** 2).sum(axis=-1) for a in (Z, other)]
    S = _clipped(s)
    nonnegative = np.maximum(S + sizes[:, None, None] * rng.standard_normal((100, B, n)), 0.0)
    nearest = [((a - s) ** 2).sum(axis=-1) for a in (S, nonnegative)]
    p = losses.get(loss).prox(q, y, rho * kappa, q)
    tries = np.concatenate([p + sizes[:, None] * rng.standard_normal((100, n)), p + part[:, None] * (q - p)])
    best = losses.get(loss).value(p, y) + 0.5 * rho * kappa * ((p - q) ** 2).sum()
    others = [losses.get(loss).value(a, y) + 0.5 * rho * kappa * ((a - q) ** 2).sum() for a in tries]
    ledger = Ledger(f"The steps of the splitting, {losses.get(loss).name} loss")
    ledger.eq(
        "(1)",
        r"(I + G_b^\top G_b)u_b + \kappa F_b^\top Fu = h_b",
        slope,
        0.0,
        1e-8,
        scale=max(1.0, float(np.abs(h).max())),
    )
    ledger.leq(
        "(2)",
        r"z_b = (1 - \beta/(\rho|q_b|))_+\,q_b \text{ is the minimum}",
        np.broadcast_to(norms[0], norms[1].shape),
        norms[1],
    )
    ledger.leq("(3)", r"s_b = (q_b)_+ \text{ is nearest}", np.broadcast_to(nearest[0], nearest[1].shape), nearest[1])
    ledger.leq("(4)", r"p = \mathrm{prox}_{L/(\rho\kappa)}(q) \text{ is the minimum}", best, others)
    return ledger


def _shrunk(q, level):
    """Every row of q shorter by ``level``, or 0."""
    return q * np.maximum(1.0 - level / np.linalg.norm(q, axis=1), 0.0)[:, None]


def _clipped(q):
    return np.maximum(q, 0.0)
