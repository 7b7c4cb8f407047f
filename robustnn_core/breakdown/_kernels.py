"""Compiled building blocks shared by the fits of this wing: selection, small solves, consensus.

Private. No validation, no allocation in inner loops; callers pass the work arrays. Matrices are row-major,
one data point a row.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def kth_smallest(values, k, work):
    """Return the k-th smallest entry (k = 0 is the least); ``work`` (n,) is overwritten. Linear time."""
    n = values.size
    for i in range(n):
        work[i] = values[i]
    left, right = 0, n - 1
    while left < right:
        middle = (left + right) >> 1
        a, b, c = work[left], work[middle], work[right]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = left, right
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return work[k]


@njit(cache=True, nogil=True)
def keep_smallest(loss, h, work, kept):
    """Mark the h smallest losses (ties by index) in ``kept`` (n,) and return their sum."""
    n = loss.size
    threshold = kth_smallest(loss, h - 1, work)
    below = 0
    for i in range(n):
        if loss[i] < threshold:
            below += 1
    spare = h - below
    total = 0.0
    for i in range(n):
        kept[i] = loss[i] < threshold
        if loss[i] == threshold and spare > 0:
            kept[i] = True
            spare -= 1
        if kept[i]:
            total += loss[i]
    return total


@njit(cache=True, nogil=True)
def cholesky(G, tolerance):
    """Factor a positive semidefinite G (p, p) into L L' in its lower triangle, in place. Returns the rank.

    A pivot below ``tolerance`` times its diagonal entry is a direction that the data leave free: its column
    becomes 0 and :func:`solve` leaves it alone.
    """
    p = G.shape[0]
    rank = 0
    for j in range(p):
        diagonal = G[j, j]
        pivot = diagonal
        for k in range(j):
            pivot -= G[j, k] * G[j, k]
        free = not (pivot > tolerance * diagonal and pivot > 0.0)
        root = 0.0 if free else np.sqrt(pivot)
        rank += not free
        G[j, j] = root
        for i in range(j + 1, p):
            total = 0.0
            if not free:
                total = G[i, j]
                for k in range(j):
                    total -= G[i, k] * G[j, k]
                total /= root
            G[i, j] = total
    return rank


@njit(cache=True, nogil=True)
def solve(L, b):
    """Overwrite b (p,) by the solution of L L' t = b, with t = 0 in the free directions of :func:`cholesky`."""
    p = b.size
    for j in range(p):
        if L[j, j] > 0.0:
            total = b[j]
            for k in range(j):
                total -= L[j, k] * b[k]
            b[j] = total / L[j, j]
        else:
            b[j] = 0.0
    for j in range(p - 1, -1, -1):
        if L[j, j] > 0.0:
            total = b[j]
            for i in range(j + 1, p):
                total -= L[i, j] * b[i]
            b[j] = total / L[j, j]


@njit(cache=True, nogil=True)
def cholesky_solve(G, b, tolerance):
    """Factor G in place, overwrite b by the solution of G t = b, return the rank."""
    rank = cholesky(G, tolerance)
    solve(G, b)
    return rank


@njit(cache=True, nogil=True)
def eliminate(A, b):
    """Solve A t = b in place (Gaussian elimination, partial pivoting); b becomes t. False if singular."""
    p = b.size
    for j in range(p):
        best = j
        for i in range(j + 1, p):
            if abs(A[i, j]) > abs(A[best, j]):
                best = i
        if abs(A[best, j]) < 1e-12:
            return False
        if best != j:
            for k in range(j, p):
                A[j, k], A[best, k] = A[best, k], A[j, k]
            b[j], b[best] = b[best], b[j]
        for i in range(j + 1, p):
            factor = A[i, j] / A[j, j]
            for k in range(j + 1, p):
                A[i, k] -= factor * A[j, k]
            b[i] -= factor * b[j]
    for j in range(p - 1, -1, -1):
        total = b[j]
        for k in range(j + 1, p):
            total -= A[j, k] * b[k]
        b[j] = total / A[j, j]
    return True


@njit(cache=True, nogil=True)
def distinct(uniforms, n, picks):
    """Turn p numbers of [0, 1) into p distinct indices below n (a partial shuffle without the deck)."""
    for j in range(picks.size):
        value = min(int(uniforms[j] * (n - j)), n - j - 1)
        i = 0
        while i < j and picks[i] <= value:  # picks[:j] is sorted: step over the cards already drawn
            value += 1
            i += 1
        for k in range(j, i, -1):
            picks[k] = picks[k - 1]
        picks[i] = value


@njit(cache=True, nogil=True)
def residuals(X, y, coef, r):
    """Write y - X coef into r."""
    n, p = X.shape
    for i in range(n):
        total = y[i]
        for j in range(p):
            total -= X[i, j] * coef[j]
        r[i] = total


@njit(cache=True, nogil=True)
def normal_equations(X, r, kept, G, b):
    """Write the lower triangle of X_S' X_S into G and X_S' r_S into b, S the kept rows."""
    n, p = X.shape
    G[:] = 0.0
    b[:] = 0.0
    for i in range(n):
        if kept[i]:
            for a in range(p):
                value = X[i, a]
                b[a] += value * r[i]
                for c in range(a + 1):
                    G[a, c] += value * X[i, c]


# Consensus that needs no noise scale: a histogram of binary exponents of |r| / scale.
LEVELS = 40


@njit(cache=True, nogil=True)
def consensus(r, scale, counts):
    """A-contrario consensus of residuals: the log-odds that so many of them are so small by chance.

    Under chance |r| / scale is spread evenly on [0, 1], so k of n residuals below 2^-l are worth
    k log(k 2^l / n) - (k - n 2^-l) nats (the large deviation of a Poisson count); the best level l counts.
    An exact fit is worth about log(2^40) = 28 nats, so a model that fits a few more points exactly wins;
    with noise the best level settles at the noise by itself. ``r`` (n,) is overwritten by its modulus over
    the scale, ``counts`` (LEVELS + 1,) by the histogram. Returns (log-odds, best level).
    """
    n = r.size
    counts[:] = 0
    for i in range(n):
        r[i] = abs(r[i]) / scale
    bits = r.view(np.int64)
    for i in range(n):
        level = 1022 - (bits[i] >> 52)  # the binary exponent: |r| / scale lies in [2^-(level+1), 2^-level)
        if level >= 0:
            counts[min(level, LEVELS)] += 1
    best, where = 0.0, 0
    k = 0
    expected = n * 2.0**-LEVELS
    for level in range(LEVELS, 0, -1):
        k += counts[level]
        if k > expected:
            value = k * np.log(k / expected) - (k - expected)
            if value > best:
                best, where = value, level
        expected *= 2.0
    return best, where
