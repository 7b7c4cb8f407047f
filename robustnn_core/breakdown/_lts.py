"""The search of least trimmed squares on whitened data. Private.

Rows of Q are points; c (p,) are coefficients in the coordinates of Q.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from robustnn_core.breakdown import _kernels

BATCH = 8  # starts between two looks at the stopping rule: a constant, so that no answer depends on the threads


@njit(cache=True, nogil=True)
def concentrate(Q, y, h, c, kept, max_iter, r, loss, work, G, b):
    """Concentration steps from c (p,), in place. Returns (iterations, trimmed loss of c, has it settled?)."""
    n, p = Q.shape
    best = np.inf
    for iteration in range(max_iter + 1):
        _kernels.residuals(Q, y, c, r)
        for i in range(n):
            loss[i] = r[i] * r[i]
        objective = _kernels.keep_smallest(loss, h, work, kept)
        settled = not objective < best * (1.0 - 1e-14)
        if iteration == max_iter or settled:
            best = min(best, objective)
            break
        best = objective
        _kernels.normal_equations(Q, r, kept, G, b)
        _kernels.cholesky_solve(G, b, 1e-13)
        for a in range(p):
            c[a] += b[a]
    return iteration, best, settled


@njit(cache=True, nogil=True)
def elemental_starts(Q, y, h, uniforms, steps, coefs, objectives, kept, r, loss, work, G, b, A, picks):
    """Fit the p points of every row of uniforms exactly, concentrate ``steps`` times, and score by the trimmed loss."""
    p = Q.shape[1]
    for s in range(uniforms.shape[0]):
        _kernels.distinct(uniforms[s], Q.shape[0], picks)
        for a in range(p):
            coefs[s, a] = y[picks[a]]
            for k in range(p):
                A[a, k] = Q[picks[a], k]
        objectives[s] = np.inf
        if _kernels.eliminate(A, coefs[s]):
            objectives[s] = concentrate(Q, y, h, coefs[s], kept, steps, r, loss, work, G, b)[1]


def work_arrays(n, p):
    """Return the kept set of :func:`concentrate`, and its work: r, loss, work, G and b."""
    return np.zeros(n, np.bool_), np.empty(n), np.empty(n), np.empty(n), np.empty((p, p)), np.empty(p)


def solve(Q, y, h, rng, starts, polish, max_iter, threads):
    """Search for the least trimmed squares of (Q, y): (coef, kept, iterations, converged)."""
    n, p = Q.shape
    rows = Q * np.sqrt(n)  # rows of size about one: the singularity test of `eliminate` is absolute
    exact = 1e-26 * float(np.sort(y * y)[:h].sum())
    uniforms = rng.random((starts, p))
    coefs, objectives = np.zeros((starts, p)), np.full(starts, np.inf)

    def search(first):
        part = slice(first, first + BATCH)
        work = *work_arrays(n, p), np.empty((p, p)), np.empty(p, np.int64)
        elemental_starts(rows, y, h, uniforms[part], 1, coefs[part], objectives[part], *work)

    batches = range(0, starts, BATCH)
    if threads == 1 or starts * n * p < 1_000_000:
        for first in batches:
            search(first)
            if objectives[first : first + BATCH].min() <= exact:
                break
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(search, batches))
            stop = next((b for b in batches if objectives[b : b + BATCH].min() <= exact), starts)
            objectives[stop + BATCH :] = np.inf  # what one thread would not have looked at
    order = np.argsort(objectives, kind="stable")
    if not np.isfinite(objectives[order[0]]):
        coefs[order[0]] = rows.T @ y / n  # every subset was singular: start from least squares
    best, polished, last = None, 0, -1.0
    for s in order:
        if polished == polish or not np.isfinite(objectives[s]) and best is not None:
            break
        if abs(objectives[s] - last) <= 1e-9 * last:  # the same subset again
            continue
        polished, last = polished + 1, objectives[s]
        kept, *work = work_arrays(n, p)
        c = coefs[s].copy()
        iterations, objective, settled = concentrate(rows, y, h, c, kept, max_iter, *work)
        if best is None or objective < best[0]:
            best = (objective, c, kept, iterations, settled or objective <= exact)
        if objective <= exact:
            break
    return best[1] * np.sqrt(n), *best[2:]
