r"""The block matrices written out, and what can be done with them: slow, to be read and to be compared with.

:func:`blocks` and :func:`newton_dense` do what :mod:`~robustnn_core.convex.interior` avoids: they form
:math:`F_b = \pm D_iX` and :math:`G_b = (2D_i - I)X`.
"""

import time

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import nnls

from robustnn_core import blas, checks, streams
from robustnn_core.convex import admm, losses

__all__ = [
    "blocks",
    "lower_certificate",
    "multipliers",
    "newton_dense",
    "newton_structured",
    "newton_times",
    "sizes",
    "spoilt",
    "upper_certificate",
]


def sizes(n, d, P):
    """Return what a general solver is given, and what it is made of: numbers of variables, rows, nonzeros, data.

    Examples
    --------
    >>> from robustnn_core.convex.dense import sizes
    >>> sizes(200, 20, 50)["nonzeros"]
    400000
    """
    return {"variables": 2 * P * d, "rows": 2 * P * n, "nonzeros": 2 * P * n * d, "data": n * d}


def blocks(X, patterns):
    """Return F (2P, n, d) and G (2P, n, d), the matrices of all blocks written out.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.dense import blocks
    >>> from robustnn_core.convex import Patterns
    >>> F, G = blocks(np.array([[1.0], [2.0]]), Patterns([[True], [False]], [[1.0]]))
    >>> F[:, :, 0].tolist(), G[0, :, 0].tolist()
    ([[1.0, 0.0], [-1.0, -0.0]], [1.0, -2.0])
    """
    X = checks.array(X, "X", shape=("n", "d"))
    D = patterns.active.T.astype(float)[:, :, None] * X
    E = (2.0 * patterns.active.T - 1.0)[:, :, None] * X
    return np.concatenate([D, -D]), np.concatenate([E, E])


def newton_dense(F, H, delta, g):
    """Solve (H + F^T Delta F) du = g as one system of size 2Pd."""
    B, n, d = F.shape
    flat = F.transpose(1, 0, 2).reshape(n, B * d)
    A = flat.T @ (delta[:, None] * flat)
    for b in range(B):
        A[b * d : (b + 1) * d, b * d : (b + 1) * d] += H[b]
    return cho_solve(cho_factor(A), g.ravel()).reshape(B, d)


def newton_structured(X, patterns, H, delta, g):
    """Solve (H + F^T Delta F) du = g by a factor of size d for each block and one of size n for all.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.dense import blocks, newton_dense, newton_structured
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(12, 3, 5, seed=0)
    >>> F, _ = blocks(X, patterns)
    >>> rng = np.random.default_rng(0)
    >>> R, delta, g = rng.standard_normal((10, 3, 3)), rng.uniform(0.1, 1.0, 12), rng.standard_normal((10, 3))
    >>> H = R @ R.transpose(0, 2, 1) + np.eye(3)
    >>> bool(np.allclose(newton_structured(X, patterns, H, delta, g), newton_dense(F, H, delta, g)))
    True
    """
    D = np.concatenate([patterns.active.T, -1.0 * patterns.active.T])
    root = np.sqrt(delta)
    factors = np.linalg.cholesky(H)
    Y = np.linalg.solve(
        factors, np.broadcast_to((root[:, None] * X).T, (len(H), *X.T.shape))
    )  # L_b^{-1} X^T Delta^{1/2}
    Y *= D[:, None, :]
    K = np.eye(len(X)) + np.einsum("bdk,bdl->kl", Y, Y, optimize=True)
    h = np.linalg.solve(factors, g[:, :, None])[:, :, 0]
    f = cho_solve(cho_factor(K), np.einsum("bdk,bd->k", Y, h))
    h = h - Y @ f
    return np.linalg.solve(factors.transpose(0, 2, 1), h[:, :, None])[:, :, 0]


def multipliers(X, patterns, dual):
    """Return mu (2P, n) >= 0 with the least |F_b' lambda + G_b' mu_b|, and these lengths, the prices of the blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.dense import multipliers
    >>> from robustnn_core.convex import Patterns
    >>> X = np.array([[1.0], [2.0]])
    >>> multipliers(X, Patterns([[True], [True]], [[1.0]]), np.array([1.0, 1.0]))[1].round(12).tolist()
    [3.0, 0.0]
    """
    F, G = blocks(X, patterns)
    found = [nnls(G[b].T, -(F[b].T @ dual), maxiter=50 * len(X)) for b in range(len(F))]
    return np.array([mu for mu, _ in found]), np.array([length for _, length in found])


def lower_certificate(X, y, patterns, beta, loss, dual):
    """Clip ``dual`` to the box, price it, scale it: the lower bound of the optimum, the new lambda, its multipliers.

    Examples
    --------
    >>> from robustnn_core.convex.dense import lower_certificate
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(12, 3, 5, seed=0)
    >>> lower_certificate(X, y, patterns, 0.5, "squared", y)[0] > 0.0
    True
    """
    z = losses.get(loss).clip(dual, y)
    mu, prices = multipliers(X, patterns, z)
    theta, value = losses.get(loss).scale(z, y, beta / max(prices.max(), 1e-300))
    return value, theta * z, theta * mu


def upper_certificate(X, y, patterns, beta, loss, U, *, project=False):
    """Shift the blocks ``U`` (2P, d) into their cones: the upper bound, the new blocks, t, the gates with E X a >= 1.

    With ``project`` each block first goes to the nearest point of its cone; the shift is left for the rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.dense import upper_certificate
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(12, 3, 5, seed=0)
    >>> bool(np.isclose(upper_certificate(X, y, patterns, 0.5, "squared", np.zeros((10, 3)))[0], 0.5 * y @ y))
    True
    """
    P = patterns.count
    E = 2.0 * patterns.active.T - 1.0
    if project:
        U = np.array([admm.nearest(u, E[b % P], X) for b, u in enumerate(U)])
    push = patterns.gates.T / (E * (patterns.gates.T @ X.T)).min(axis=1)[:, None]
    violation = np.maximum(-(np.tile(E, (2, 1)) * (U @ X.T)).min(axis=1), 0.0)
    t = np.maximum(violation[:P], violation[P:])
    V = U + np.tile(t[:, None] * push, (2, 1))
    p = (patterns.active * (X @ (V[:P] - V[P:]).T)).sum(axis=1)
    return losses.get(loss).value(p, y) + beta * float(np.linalg.norm(V, axis=1).sum()), V, t, push


def spoilt(fit, noise, seed):
    """Return the blocks (2P, d) and the dual of a fit with noise added, relative to their size."""
    rng = streams.generator(seed)
    U = np.concatenate([fit.v.T, fit.w.T])
    U = U + noise * np.linalg.norm(U, axis=1).max() * rng.standard_normal(U.shape) / np.sqrt(U.shape[1])
    return U, fit.dual + noise * np.abs(fit.dual).max() * rng.standard_normal(fit.dual.shape)


def newton_times(X, patterns, counts, *, repeats=5, seed):
    """Return the best milliseconds of :func:`newton_structured` and of :func:`newton_dense`, on one thread.

    Parameters
    ----------
    counts : sequence of int
        How many of the patterns to take, one entry of the result each.

    Examples
    --------
    >>> from robustnn_core.convex.dense import newton_times
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(20, 3, 5, seed=0)
    >>> split, whole = newton_times(X, patterns, [2, 5], seed=0)
    >>> len(split), len(whole)
    (2, 2)
    """
    rng, d = streams.generator(seed), X.shape[1]
    times = [], []
    with blas.single_thread():
        for count in counts:
            part = patterns.take(np.arange(count))
            F, _ = blocks(X, part)
            R = rng.standard_normal((2 * count, d, d))
            H, g = R @ R.transpose(0, 2, 1) + np.eye(d), rng.standard_normal((2 * count, d))
            delta = rng.uniform(0.1, 1.0, len(X))
            for kept, run in zip(times, ((newton_structured, X, part), (newton_dense, F))):
                seconds = []
                for _ in range(repeats):
                    begin = time.perf_counter()
                    run[0](*run[1:], H, delta, g)
                    seconds.append(time.perf_counter() - begin)
                kept.append(1e3 * min(seconds))
    return times
