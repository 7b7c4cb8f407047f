r"""The proofs of the page on solvers: what the blocks share, duality, the bracket, the steps of the splitting."""

import numpy as np

from robustnn_core import checks, streams
from robustnn_core.convex import dense, losses
from robustnn_core.convex.proofs._given import given
from robustnn_core.ledger import Ledger

__all__ = [
    "admm_steps",
    "block_structure",
    "certificate",
    "conjugate",
    "gap_is_complementarity",
    "strong_duality",
]


def block_structure(X, patterns, *, seed):
    """One factor for all blocks: the rows of the cones, the coupling of the predictions, the Newton system.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import block_structure
    >>> from robustnn_core.convex.datasets import problem
    >>> X, _, patterns = problem(15, 3, 6, seed=0)
    >>> len(block_structure(X, patterns, seed=0).assert_holds().rows)
    4
    """
    F, G = dense.blocks(X, patterns)
    n, d = X.shape
    gram = X.T @ X
    M = np.eye(d) + gram
    coupling = sum(F[b] @ np.linalg.solve(M, F[b].T) for b in range(len(F)))
    D = patterns.active.astype(float)
    hadamard = 2.0 * (D @ D.T) * (X @ np.linalg.solve(M, X.T))
    rng = streams.generator(seed)
    R = rng.standard_normal((len(F), d, d))
    H, delta, g = R @ R.transpose(0, 2, 1) + np.eye(d), rng.uniform(0.1, 1.0, n), rng.standard_normal((len(F), d))
    fast, plain = dense.newton_structured(X, patterns, H, delta, g), dense.newton_dense(F, H, delta, g)
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


def conjugate(loss, y, *, seed):
    r"""Young's inequality :math:`L(p) \ge -\lambda^\top p - L^*(-\lambda)`, and where it is an equality.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import conjugate
    >>> len(conjugate("logistic", [1.0, -1.0, 1.0], seed=0).assert_holds().rows)
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
    >>> from robustnn_core.convex.proofs import strong_duality
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(15, 3, 6, seed=0)
    >>> len(strong_duality(X, y, convex.fit(X, y, patterns, beta=0.2, gap=1e-8)).assert_holds().rows)
    3
    """
    X, y = given(X, y, fit)
    F, _ = dense.blocks(X, fit.patterns)
    U = np.concatenate([fit.v.T, fit.w.T])
    sizes = fit.beta * np.linalg.norm(U, axis=1)
    objective = fit.loss.value(np.einsum("bkd,bd->k", F, U), y) + sizes.sum()
    _, lengths = dense.multipliers(X, fit.patterns, fit.dual)
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


def certificate(X, y, fit, *, noise=0.1, seed):
    """Certificates from a spoilt solution: blocks outside their cones, a dual point outside its box.

    Parameters
    ----------
    fit : Fit
        Its optimum is what both certificates must enclose.
    noise : float >= 0
        What is added to the blocks and to lambda, relative to their size.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import certificate
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(15, 3, 6, loss="hinge", seed=0)
    >>> fit = convex.fit(X, y, patterns, beta=0.02, loss="hinge", gap=1e-8)
    >>> len(certificate(X, y, fit, seed=0).assert_holds().rows)
    7
    """
    noise = checks.number(noise, "noise", at_least=0.0)
    beta, loss, patterns = fit.beta, fit.loss, fit.patterns
    F, G = dense.blocks(X, patterns)
    U, dual = dense.spoilt(fit, noise, seed)
    lower, z, mu = dense.lower_certificate(X, y, patterns, beta, loss, dual)
    upper, V, t, push = dense.upper_certificate(X, y, patterns, beta, loss, U)
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


def gap_is_complementarity(X, y, patterns, *, beta, loss="squared", seed):
    """The gap of any primal point and its own dual residual is a sum of products, one for each cone.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import gap_is_complementarity
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(15, 3, 6, seed=0)
    >>> len(gap_is_complementarity(X, y, patterns, beta=0.3, seed=0).assert_holds().rows)
    1
    """
    F, G = dense.blocks(X, patterns)
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


def admm_steps(X, y, patterns, *, beta, loss="squared", kappa=0.5, rho=2.0, seed):
    """Each step of the splitting is the minimum it claims to be: no random point is better, and the gradient vanishes.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import admm_steps
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(15, 3, 6, loss="logistic", seed=0)
    >>> len(admm_steps(X, y, patterns, beta=0.1, loss="logistic", seed=0).assert_holds().rows)
    4
    """
    F, G = dense.blocks(X, patterns)
    rng, (B, n, d) = streams.generator(seed), F.shape
    flat = F.transpose(1, 0, 2).reshape(n, B * d)
    z, s, q = rng.standard_normal((B, d)), rng.standard_normal((B, n)), rng.standard_normal(n)
    h = z + np.einsum("bkd,bk->bd", G, s) + kappa * np.einsum("bkd,k->bd", F, q)
    U = dense.newton_structured(X, patterns, np.broadcast_to(np.eye(d) + X.T @ X, (B, d, d)), np.full(n, kappa), h)
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
