"""Five estimators of a linear model whose responses are partly corrupted.

``ols`` (the control), ``huber``, ``lad``, ``torrent`` and ``lts``: all take (X, y) with one data point a
row and no intercept (append a column of ones), and return a :class:`LinearFit`. The columns are whitened
once, so a change of units in X changes no answer beyond rounding.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numba import njit

from robustnn_core import checks, streams
from robustnn_core.breakdown import _kernels

__all__ = ["LinearFit", "huber", "lad", "lts", "ols", "torrent"]

BATCH = 8  # starts between two looks at the stopping rule: a constant, so that no answer depends on the threads


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A fitted linear model.

    Attributes
    ----------
    coef : ndarray, shape (p,)
    kept : ndarray of bool, shape (n,)
        The points that the last least-squares step used (``huber``: weight 1; ``lad``: the p points fitted exactly).
    iterations : int
        Steps of the winning start.
    objective : float
        The loss minimised: the sum of squares over the kept points, for ``lad`` the sum of moduli, for
        ``huber`` the sum of Huber's losses at the final scale.
    converged : bool
        False if ``max_iter`` ended the fit (``lts``: that of the winning start); a ``ConvergenceWarning`` has said so.
    """

    coef: np.ndarray
    kept: np.ndarray
    iterations: int
    objective: float
    converged: bool = True

    def predict(self, X):
        """Return X @ coef, shape (N,), for ``X`` of shape (N, p)."""
        return checks.array(X, "X", shape=("N", self.coef.size)) @ self.coef


def ols(X, y):
    """Ordinary least squares: the control, with breakdown point 0.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Of full column rank, n >= p.
    y : array_like, shape (n,)

    Returns
    -------
    LinearFit

    Raises
    ------
    ValueError
        Ragged or non-finite data, fewer rows than columns, rank-deficient design.

    Examples
    --------
    >>> ols([[1.0], [2.0]], [2.0, 4.0]).coef
    array([2.])
    """
    X, y, Q, R = _whiten(X, y)
    c = Q.T @ y
    kept = np.ones(y.size, np.bool_)
    return _finish(Q, R, y, c, kept, 1, None)


def huber(X, y, *, tuning=1.345, max_iter=500, tol=1e-10):
    """Huber's M-estimate with the scale re-estimated by the normalised MAD, by reweighted least squares.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    tuning : float > 0
        Residuals beyond ``tuning`` scales get weight less than one; 1.345 is 95 % efficient for Gaussian noise.
    max_iter : int >= 1
    tol : float > 0
        Stop when the fitted values move by less than ``tol`` times their size.

    Examples
    --------
    >>> huber([[1.0], [1.0], [1.0], [1.0]], [1.0, 1.0, 1.0, 9.0]).coef.round(6)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    tuning = checks.number(tuning, "tuning", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    tol = checks.number(tol, "tol", above=0.0)
    c = Q.T @ y
    r = np.empty_like(y)
    iterations, scale, moved = _huber(Q, y, c, r, tuning, max_iter, tol)
    converged = moved <= tol
    if not converged:
        _warn("huber", f"the fitted values moved by {moved:.2g} of their size", max_iter, f"tol = {tol:.3g}")
    size = np.abs(r)
    loss = np.where(size <= tuning * scale, 0.5 * size**2, tuning * scale * (size - 0.5 * tuning * scale))
    return LinearFit(_solve_triangular(R, c), size <= tuning * scale, iterations, float(loss.sum()), converged)


def lad(X, y, *, max_iter=10_000):
    """Least absolute deviations, exactly: the edge descent of Bloomfield and Steiger with a weighted-median line search.

    The answer is a vertex: p points are fitted exactly. Ties (more than p exact fits) are broken by a
    deterministic perturbation of the responses of relative size 1e-11, so the objective is optimal to that
    precision.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    max_iter : int >= 1
        A bound on the number of edges.

    References
    ----------
    Bloomfield & Steiger, "Least absolute deviations curve-fitting", SIAM J. Sci. Stat. Comput. 1 (1980).

    Examples
    --------
    >>> lad([[1.0], [1.0], [1.0]], [0.0, 1.0, 9.0]).coef.round(9)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    c, basis, iterations, converged = _lad_whitened(Q, y, max_iter)
    if not converged:
        _warn("lad", "an edge still descends", max_iter, "a vertex without one")
    kept = np.zeros(y.size, np.bool_)
    kept[basis] = True
    return LinearFit(_solve_triangular(R, c), kept, iterations, float(np.abs(y - Q @ c).sum()), converged)


def torrent(X, y, *, keep, max_iter=1000):
    """TORRENT-FC: keep the h smallest residuals, refit by least squares, repeat from the OLS fit.

    One round is the concentration step of FAST-LTS, so the trimmed loss never rises and the kept set
    settles after finitely many rounds.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    keep : int
        h, the number of points kept, p < h <= n.
    max_iter : int >= 1

    References
    ----------
    Bhatia, Jain & Kar, "Robust regression via hard thresholding", NIPS 2015. In the book: *What breaks a regression*.

    Examples
    --------
    >>> torrent([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 40.0], keep=3).coef.round(12)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    h = _check_keep(keep, *X.shape)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    n, p = Q.shape
    c = Q.T @ y
    kept = np.zeros(n, np.bool_)
    iterations, _, converged = _concentrate(
        Q, y, h, c, kept, max_iter, np.empty(n), np.empty(n), np.empty(n), np.empty((p, p)), np.empty(p)
    )
    if not converged:
        _warn("torrent", "the trimmed loss still falls", max_iter, "a kept set that settles")
    return _finish(Q, R, y, c, kept, iterations, h, converged)


def lts(X, y, *, keep, seed, starts=240, polish=8, max_iter=1000, threads=1):
    """Least trimmed squares: elemental starts, concentration steps, the least trimmed loss wins.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    keep : int
        h, the number of points kept, p < h <= n; h = (n + p + 1) // 2 has the highest breakdown point.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    starts : int >= 1
        Random subsets of p points, each fitted exactly and given one concentration step.
    polish : int >= 1
        How many of the best go on to convergence. A trimmed loss of zero ends the search.
    max_iter : int >= 1
        Bound on the concentration steps of one start.
    threads : int >= 1
        The answer does not depend on it.

    Returns
    -------
    LinearFit
        ``objective`` is the least trimmed loss seen (the exact minimum is NP-hard in p).

    References
    ----------
    Rousseeuw & Van Driessen, "Computing LTS regression for large data sets", DMKD 12 (2006).

    Examples
    --------
    >>> lts([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 40.0], keep=3, seed=0).coef.round(12)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    h = _check_keep(keep, *X.shape)
    starts = checks.integer(starts, "starts", at_least=1)
    polish = checks.integer(polish, "polish", at_least=1)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    threads = checks.integer(threads, "threads", at_least=1)
    rng = streams.generator(seed)
    c, kept, iterations, converged = _lts_whitened(Q, y, h, rng, starts, polish, max_iter, threads)
    if not converged:
        _warn("lts", "the trimmed loss of the best start still falls", max_iter, "a kept set that settles")
    return _finish(Q, R, y, c, kept, iterations, h, converged)


# ---------------------------------------------------------------- private


def _whiten(X, y):
    """Validate (X, y) and factor X = Q R: Q (n, p) orthonormal columns, R (p, p) upper triangular."""
    X = checks.squarable(checks.array(X, "X", shape=("n", "p")), "X", axis=0)
    y = checks.squarable(checks.array(y, "y", shape=(X.shape[0],)), "y")
    n, p = X.shape
    if n < p:
        raise ValueError(f"X has {n} rows and {p} columns; give at least as many points as parameters, or drop columns")
    scale = np.sqrt(np.einsum("ij,ij->j", X, X))
    if not (scale > 0).all():
        raise ValueError(f"X has a zero column ({int(np.argmin(scale))}); drop it: its coefficient is not determined")
    gram = (X / scale).T @ (X / scale) if n < 5000 else (X.T @ X) / np.outer(scale, scale)
    least = np.linalg.eigvalsh(gram)[0]
    if least > 1e-8:  # Cholesky QR is exact enough
        R = np.linalg.cholesky(gram).T * scale
        Q = X @ np.linalg.inv(R)
    else:
        Q, R = np.linalg.qr(X / scale)
        sizes = np.abs(np.diag(R))
        if sizes.min() <= 1e-12 * sizes.max() * max(n, p):
            raise ValueError(
                f"X is rank deficient (column {int(np.argmin(sizes))} depends on those before it); drop dependent columns"
            )
        R = R * scale
    return X, y, np.ascontiguousarray(Q), R


def _check_keep(keep, n, p):
    return checks.integer(
        keep, "keep", at_least=p + 1, at_most=n, remedy=f"keep more points than the {p} parameters and at most all {n}"
    )


def _warn(name, reached, max_iter, wanted):
    """Say to the caller of the public function ``name`` that ``max_iter`` ended it."""
    checks.warn_unconverged(
        f"breakdown.{name}", f"{reached} after max_iter = {max_iter} steps", wanted, "raise max_iter", stacklevel=4
    )


def _solve_triangular(R, c):
    return np.linalg.solve(R, c)


def _finish(Q, R, y, c, kept, iterations, h, converged=True):
    """Refit the kept points once more (iterative refinement) and pack the result."""
    r = y - Q @ c
    rows = Q if h is None else Q[kept]
    gram = rows.T @ rows
    spectrum = np.linalg.eigvalsh(gram)
    if spectrum[0] <= 1e-12 * spectrum[-1]:
        raise ValueError(
            f"keep = {h}: the kept rows of X have rank below {Q.shape[1]}, so the fit is not determined; raise keep"
        )
    c = c + np.linalg.solve(gram, rows.T @ r[kept])
    r = y - Q @ c
    return LinearFit(_solve_triangular(R, c), kept, iterations, float(r[kept] @ r[kept]), converged)


@njit(cache=True, nogil=True)
def _huber(Q, y, c, r, tuning, max_iter, tol):
    n, p = Q.shape
    size, work = np.empty(n), np.empty(n)
    G, b = np.empty((p, p)), np.empty(p)
    scale, share = 0.0, np.inf
    for iteration in range(1, max_iter + 1):
        _kernels.residuals(Q, y, c, r)
        for i in range(n):
            size[i] = abs(r[i])
        scale = _kernels.kth_smallest(size, n // 2, work) / 0.6744897501960817
        cut = tuning * scale
        G[:] = 0.0
        b[:] = 0.0
        for i in range(n):
            weight = 1.0 if size[i] <= cut else cut / size[i]
            for a in range(p):
                value = weight * Q[i, a]
                b[a] += value * r[i]
                for k in range(a + 1):
                    G[a, k] += value * Q[i, k]
        _kernels.cholesky_solve(G, b, 1e-14)
        moved = 0.0
        length = 0.0
        for a in range(p):
            c[a] += b[a]
            moved += b[a] * b[a]
            length += c[a] * c[a]
        share = np.sqrt(moved / length) if moved > 0.0 else 0.0
        if share <= tol:
            break
    _kernels.residuals(Q, y, c, r)
    return iteration, scale, share


@njit(cache=True, nogil=True)
def _concentrate(Q, y, h, c, kept, max_iter, r, loss, work, G, b):
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
def _elemental_starts(Q, y, h, uniforms, steps, coefs, objectives, kept, r, loss, work, A, G, b, picks):
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
            objectives[s] = _concentrate(Q, y, h, coefs[s], kept, steps, r, loss, work, G, b)[1]


def _work(n, p):
    return np.zeros(n, np.bool_), np.empty(n), np.empty(n), np.empty(n), np.empty((p, p))


def _lts_whitened(Q, y, h, rng, starts, polish, max_iter, threads):
    """The search of :func:`lts` on whitened data: (coef, kept, iterations, converged) in the coordinates of Q."""
    n, p = Q.shape
    rows = Q * np.sqrt(n)  # rows of size about one: the singularity test of `eliminate` is absolute
    exact = 1e-26 * float(np.sort(y * y)[:h].sum())
    uniforms = rng.random((starts, p))
    coefs, objectives = np.zeros((starts, p)), np.full(starts, np.inf)

    def search(first):
        kept, r, loss, work, A = _work(n, p)
        part = slice(first, first + BATCH)
        _elemental_starts(
            rows,
            y,
            h,
            uniforms[part],
            1,
            coefs[part],
            objectives[part],
            kept,
            r,
            loss,
            work,
            A,
            np.empty((p, p)),
            np.empty(p),
            np.empty(p, np.int64),
        )

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
        kept, r, loss, work, G = _work(n, p)
        c = coefs[s].copy()
        iterations, objective, settled = _concentrate(rows, y, h, c, kept, max_iter, r, loss, work, G, np.empty(p))
        if best is None or objective < best[0]:
            best = (objective, c, kept, iterations, settled or objective <= exact)
        if objective <= exact:
            break
    return best[1] * np.sqrt(n), *best[2:]


@njit(cache=True, nogil=True)
def _median_step(ratio, weight, target, order):
    """Return the position in ``order`` of the weighted lower median of ratio: the first whose cumulative weight >= target."""
    left, right = 0, ratio.size - 1
    done = 0.0
    while left < right:
        pivot = ratio[order[(left + right) >> 1]]
        i, j = left, right
        while i <= j:
            while ratio[order[i]] < pivot:
                i += 1
            while ratio[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        mass = 0.0
        for k in range(left, j + 1):
            mass += weight[order[k]]
        if done + mass >= target:
            right = j
            continue
        for k in range(j + 1, i):
            mass += weight[order[k]]
        if done + mass >= target:
            return j + 1  # the pivot itself
        done += mass
        left = i
    return left


@njit(cache=True, nogil=True)
def _refine_inverse(Q, basis, inverse, product, refined):
    """One Newton-Schulz step: inverse (2 I - Q[basis] inverse)."""
    p = basis.size
    for a in range(p):
        for k in range(p):
            total = 2.0 if a == k else 0.0
            for m in range(p):
                total -= Q[basis[a], m] * inverse[m, k]
            product[a, k] = total
    for a in range(p):
        for k in range(p):
            total = 0.0
            for m in range(p):
                total += inverse[a, m] * product[m, k]
            refined[a, k] = total
    inverse[:] = refined


@njit(cache=True, nogil=True)
def _lad_edges(Q, y, basis, inverse, c, max_iter):
    """Descend edge by edge; ``inverse`` is the inverse of Q[basis]. Returns the number of edges, or -1."""
    n, p = Q.shape
    r, ratio, weight, order = np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int64)
    inside = np.zeros(n, np.bool_)
    gradient, d = np.empty(p), np.empty(p)
    square, refined = np.empty((p, p)), np.empty((p, p))
    for a in range(p):
        inside[basis[a]] = True
    least, stalled = np.inf, 0
    for iteration in range(max_iter):
        if iteration % 32 == 31:
            _refine_inverse(Q, basis, inverse, square, refined)
        for a in range(p):
            total = 0.0
            for k in range(p):
                total += inverse[a, k] * y[basis[k]]
            c[a] = total
        _kernels.residuals(Q, y, c, r)
        gradient[:] = 0.0
        objective = 0.0
        for i in range(n):
            if not inside[i]:
                objective += abs(r[i])
                sign = 1.0 if r[i] > 0.0 else -1.0
                for a in range(p):
                    gradient[a] += sign * Q[i, a]
        stalled = 0 if objective < least * (1.0 - 1e-14) else stalled + 1
        least = min(least, objective)
        if stalled > 2 * p + 10:  # what is left to gain is rounding
            return iteration
        best, leave, direction = 1e-10, -1, 1.0
        for j in range(p):
            slope = 0.0
            length = 0.0
            for a in range(p):
                slope += gradient[a] * inverse[a, j]
                length += inverse[a, j] * inverse[a, j]
            gain = (abs(slope) - 1.0) / np.sqrt(length)
            if gain > best:
                best, leave, direction = gain, j, (1.0 if slope > 0.0 else -1.0)
        if leave < 0:
            return iteration
        for a in range(p):
            d[a] = direction * inverse[a, leave]
        total = 0.0
        for i in range(n):
            w = 0.0
            for a in range(p):
                w += Q[i, a] * d[a]
            order[i] = i
            weight[i] = abs(w)
            ratio[i] = r[i] / w if w != 0.0 else 0.0
            if inside[i]:
                weight[i] = 1.0 if i == basis[leave] else 0.0
                ratio[i] = 0.0
            total += weight[i]
        position = _median_step(ratio, weight, 0.5 * total, order)
        enter = order[position]
        if enter == basis[leave] or inside[enter]:
            return iteration
        w_enter = 0.0
        for a in range(p):
            w_enter += Q[enter, a] * d[a]
        # replace row `leave` of Q[basis] by Q[enter]: a rank-one change of the inverse
        for a in range(p):
            d[a] = inverse[a, leave] / (direction * w_enter)
        for k in range(p):
            if k != leave:
                product = 0.0
                for a in range(p):
                    product += Q[enter, a] * inverse[a, k]
                for a in range(p):
                    inverse[a, k] -= d[a] * product
        for a in range(p):
            inverse[a, leave] = d[a]
        inside[basis[leave]] = False
        inside[enter] = True
        basis[leave] = enter
    return -1


def _lad_whitened(Q, y, max_iter):
    """LAD on whitened data: (coef in the coordinates of Q, basis, edges, converged)."""
    n, p = Q.shape
    rows = Q * np.sqrt(n)
    c = rows.T @ y / n
    r = np.abs(y - rows @ c)
    jitter = np.random.Generator(np.random.PCG64(0)).uniform(-1.0, 1.0, n)  # a constant: breaks ties, draws nothing
    shaken = y + 1e-11 * (np.median(np.abs(y)) + r.mean()) * jitter
    near = np.argsort(r, kind="stable") if n <= 64 * p else np.sort(np.argpartition(r, 64 * p)[: 64 * p])
    basis = _independent_rows(rows, near)
    if basis is None:
        basis = _independent_rows(rows, np.arange(n))
    inverse = np.linalg.inv(rows[basis])
    edges = _lad_edges(rows, shaken, basis, np.ascontiguousarray(inverse), c, max_iter)
    c = np.linalg.solve(rows[basis], y[basis])
    return c * np.sqrt(n), basis, max_iter if edges < 0 else edges, edges >= 0


def _independent_rows(rows, order):
    """p well-conditioned rows among ``order`` (pivoted QR), or None."""
    p = rows.shape[1]
    _, R, pivots = scipy.linalg.qr(rows[order].T, mode="economic", pivoting=True, check_finite=False)
    if R.shape[1] < p or abs(R[p - 1, p - 1]) <= 1e-9 * abs(R[0, 0]):
        return None
    return np.ascontiguousarray(order[pivots[:p]])
