"""Compiled steps of the two network fits. Private.

On a cell of the partition a net is linear in its units, f(x_i) = z_i . U with z_i = (s_k D_ik x_i)_k. Its
normal equations are assembled region by region (points with the same pattern share one d by d Gram matrix),
so their cost does not grow with the number of units while 2^K regions fit in memory.
"""

import numpy as np
from numba import njit

from robustnn_core.breakdown import _kernels

REGION_UNITS = 6  # up to this many units the Gram matrices are kept per region
TOLERANCE = 1e-12


def work_arrays(d, K):
    """Return the arrays that :func:`accumulate` writes into: gram, side, H and b."""
    regions = 1 << K if K <= REGION_UNITS else 1
    return np.empty((regions, d, d)), np.empty((regions, d)), np.zeros((K * d, K * d)), np.empty(K * d)


@njit(cache=True, nogil=True)
def evaluate(X, y, signs, U, pattern, r):
    """Write the activation pattern (n, K) and the residuals y - f(x) (n,)."""
    n, d = X.shape
    for i in range(n):
        total = y[i]
        for k in range(signs.size):
            z = 0.0
            for a in range(d):
                z += U[k, a] * X[i, a]
            pattern[i, k] = z > 0.0
            if z > 0.0:
                total -= signs[k] * z
        r[i] = total


@njit(cache=True, nogil=True)
def trimmed(r, h, loss, work, kept):
    """F_h: mark the h smallest squared residuals and return their sum."""
    for i in range(r.size):
        loss[i] = r[i] * r[i]
    return _kernels.keep_smallest(loss, h, work, kept)


@njit(cache=True, nogil=True)
def accumulate(X, pattern, signs, weight, use, gram, side, H, b, fresh):
    """Add sum over used rows of z z' to the lower triangle of H (Kd, Kd) and of weight z to b, z = (s_k D_ik x_i)_k.

    ``gram`` (2^K, d, d) and ``side`` (2^K, d) are work; when K > REGION_UNITS they have length 1 and rows
    are added one by one. ``fresh``: zero H and b first.
    """
    n, d = X.shape
    K = signs.size
    if fresh:
        H[:] = 0.0
        b[:] = 0.0
    if K > REGION_UNITS:
        for i in range(n):
            if use[i]:
                for k in range(K):
                    if pattern[i, k]:
                        for a in range(d):
                            value = signs[k] * X[i, a]
                            b[k * d + a] += weight[i] * value
                            for m in range(k + 1):
                                if pattern[i, m]:
                                    factor = value * signs[m]
                                    for c in range(a + 1 if m == k else d):
                                        H[k * d + a, m * d + c] += factor * X[i, c]
        return
    gram[:] = 0.0
    side[:] = 0.0
    for i in range(n):
        if use[i]:
            code = 0
            for k in range(K):
                code |= int(pattern[i, k]) << k
            if code:
                for a in range(d):
                    value = X[i, a]
                    side[code, a] += weight[i] * value
                    for c in range(a + 1):
                        gram[code, a, c] += value * X[i, c]
    for code in range(1, 1 << K):
        for k in range(K):
            if (code >> k) & 1:
                for a in range(d):
                    b[k * d + a] += signs[k] * side[code, a]
                for m in range(k + 1):
                    if (code >> m) & 1:
                        factor = signs[k] * signs[m]
                        for a in range(d):
                            for c in range(a + 1):
                                H[k * d + a, m * d + c] += factor * gram[code, a, c]
                            if m < k:
                                for c in range(a + 1, d):
                                    H[k * d + a, m * d + c] += factor * gram[code, c, a]


@njit(cache=True, nogil=True)
def descend(X, y, signs, h, U, exact, tol, losses, kept, pattern, gram, side, H, b):
    """Alternate pattern, kept set and lifted least squares from U (K, d), in place; halve until F_h falls.

    Returns the number of steps, and whether the descent ended by itself; losses[: steps + 1] are the values
    of F_h, each below the last.
    """
    n, d = X.shape
    K = signs.size
    r, loss, work, trial = np.empty(n), np.empty(n), np.empty(n), np.empty((K, d))
    kept_trial, pattern_trial = np.empty_like(kept), np.empty_like(pattern)
    evaluate(X, y, signs, U, pattern, r)
    losses[0] = trimmed(r, h, loss, work, kept)
    for step in range(losses.size - 1):
        now = losses[step]
        if now <= exact:
            return step, True
        accumulate(X, pattern, signs, r, kept, gram, side, H, b, True)
        _kernels.cholesky_solve(H, b, TOLERANCE)
        t = 1.0
        value = np.inf
        for _ in range(30):
            for k in range(K):
                for a in range(d):
                    trial[k, a] = U[k, a] + t * b[k * d + a]
            evaluate(X, y, signs, trial, pattern_trial, r)
            value = trimmed(r, h, loss, work, kept_trial)
            if value < now:
                break
            t *= 0.5
        if not value < now:
            evaluate(X, y, signs, U, pattern, r)
            return step, True
        U[:] = trial
        kept[:] = kept_trial
        pattern[:] = pattern_trial
        losses[step + 1] = value
        if now - value <= tol * now:
            return step + 1, True
    return losses.size - 1, losses[losses.size - 1] <= exact
