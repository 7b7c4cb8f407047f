"""Five estimators of a linear model whose responses are partly corrupted.

``ols`` (the control), ``huber``, ``lad``, ``torrent`` and ``lts``: all take (X, y) with one data point a
row and no intercept (append a column of ones), and return a :class:`LinearFit`. The columns are whitened
once, so a change of units in X changes no answer beyond rounding.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from robustnn_core import checks, streams
from robustnn_core.breakdown import _kernels, _lad, _lts

__all__ = ["LinearFit", "huber", "lad", "lts", "ols", "torrent"]


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
    >>> from robustnn_core.breakdown import ols
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
    >>> from robustnn_core.breakdown import huber
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
    return LinearFit(np.linalg.solve(R, c), size <= tuning * scale, iterations, float(loss.sum()), converged)


def lad(X, y, *, max_iter=10_000):
    """Least absolute deviations, exactly: the edge descent of Bloomfield and Steiger.

    The line search is a weighted median. The answer is a vertex: p points are fitted exactly. Ties (more than p
    exact fits) are broken by a deterministic perturbation of the responses of relative size 1e-11, so the objective
    is optimal to that precision.

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
    >>> from robustnn_core.breakdown import lad
    >>> lad([[1.0], [1.0], [1.0]], [0.0, 1.0, 9.0]).coef.round(9)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    c, basis, iterations, converged = _lad.solve(Q, y, max_iter)
    if not converged:
        _warn("lad", "an edge still descends", max_iter, "a vertex without one")
    kept = np.zeros(y.size, np.bool_)
    kept[basis] = True
    return LinearFit(np.linalg.solve(R, c), kept, iterations, float(np.abs(y - Q @ c).sum()), converged)


def torrent(X, y, *, keep, max_iter=1000):
    """TORRENT-FC: keep the h smallest residuals, refit by least squares, repeat from the OLS fit.

    One round is the concentration step of FAST-LTS, so the trimmed loss never rises and the kept set
    settles after finitely many rounds.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    keep : int, or float share in (0, 1]
        h, the number of points kept, p < h <= n.
    max_iter : int >= 1

    References
    ----------
    Bhatia, Jain & Kar, "Robust regression via hard thresholding", NIPS 2015. In the book: *What breaks a regression*.

    Examples
    --------
    >>> from robustnn_core.breakdown import torrent
    >>> torrent([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 40.0], keep=3).coef.round(12)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    h = _kept(keep, *X.shape)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    c = Q.T @ y
    kept, *work = _lts.work_arrays(*Q.shape)
    iterations, _, converged = _lts.concentrate(Q, y, h, c, kept, max_iter, *work)
    if not converged:
        _warn("torrent", "the trimmed loss still falls", max_iter, "a kept set that settles")
    return _finish(Q, R, y, c, kept, iterations, h, converged)


def lts(X, y, *, keep, seed, starts=240, polish=8, max_iter=1000, threads=1):
    """Least trimmed squares: elemental starts, concentration steps, the least trimmed loss wins.

    Parameters
    ----------
    X, y
        As for :func:`ols`.
    keep : int, or float share in (0, 1]
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
    >>> from robustnn_core.breakdown import lts
    >>> lts([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 40.0], keep=3, seed=0).coef.round(12)
    array([1.])
    """
    X, y, Q, R = _whiten(X, y)
    h = _kept(keep, *X.shape)
    starts = checks.integer(starts, "starts", at_least=1)
    polish = checks.integer(polish, "polish", at_least=1)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    threads = checks.integer(threads, "threads", at_least=1)
    rng = streams.generator(seed)
    c, kept, iterations, converged = _lts.solve(Q, y, h, rng, starts, polish, max_iter, threads)
    if not converged:
        _warn("lts", "the trimmed loss of the best start still falls", max_iter, "a kept set that settles")
    return _finish(Q, R, y, c, kept, iterations, h, converged)


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
            column = int(np.argmin(sizes))
            raise ValueError(
                f"X is rank deficient (column {column} depends on those before it); drop dependent columns"
            )
        R = R * scale
    return X, y, np.ascontiguousarray(Q), R


def _kept(keep, n, p):
    remedy = f"keep more points than the {p} parameters and at most all {n}"
    return checks.count(keep, "keep", of=n, at_least=p + 1, remedy=remedy)


def _warn(name, reached, max_iter, wanted):
    """Say to the caller of the public function ``name`` that ``max_iter`` ended it."""
    checks.warn_unconverged(
        f"breakdown.{name}", f"{reached} after max_iter = {max_iter} steps", wanted, "raise max_iter", stacklevel=4
    )


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
    return LinearFit(np.linalg.solve(R, c), kept, iterations, float(r[kept] @ r[kept]), converged)


@njit(cache=True, nogil=True)
def _huber(Q, y, c, r, tuning, max_iter, tol):
    n, p = Q.shape
    size, work = np.empty(n), np.empty(n)
    G, b = np.empty((p, p)), np.empty(p)
    scale, share = 0.0, np.inf
    for iteration in range(1, max_iter + 1):  # noqa: B007, returned
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
