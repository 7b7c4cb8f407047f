"""Robust training of a sum of signed ReLU units: partition training and DC training.

Both lower the trimmed loss F_h(U), the sum of the h smallest squared residuals of
f(x) = sum_k s_k max(u_k . x, 0), from the same starts (:mod:`robustnn_core.breakdown.starts`), and return
the start that got lowest.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.breakdown import _lifted, regression
from robustnn_core.breakdown import starts as starting

__all__ = ["NetFit", "dc_fit", "infer", "partition_fit", "region_fits", "trimmed_loss"]


@dataclass(frozen=True, eq=False)
class NetFit:
    """A trained net.

    Attributes
    ----------
    net : robustnn_core.nets.ReLUSum
        ``.weights`` (K, d), ``.signs`` (K,), ``.predict(X)``.
    objective : float
        The last entry of ``history``.
    history : ndarray, shape (iterations + 1,)
        The loss of the winning start after every step; it never rises. F_h, or the sum of moduli for ``inner="l1"``.
    kept : ndarray of bool, shape (n,)
        The h points with the smallest residuals (all points for "ols" and "l1").
    determined : ndarray of bool, shape (K,)
        False for a unit whose kept active points have rank below d: the data leave it free in part, and in
        those directions it stands where its start put it.
    iterations : int
    start : int
        Which start won.
    converged : bool
        False if ``max_iter`` (or ``newton``) ended the descent of the start that won; a ``ConvergenceWarning`` has
        said so.
    """

    net: nets.ReLUSum
    objective: float
    history: np.ndarray
    kept: np.ndarray
    determined: np.ndarray
    iterations: int
    start: int
    converged: bool


def trimmed_loss(net, X, y, *, keep):
    """F_h: the sum of the ``keep`` smallest squared residuals of a net.

    Examples
    --------
    >>> trimmed_loss(nets.ReLUSum([[1.0]], [1]), [[1.0], [2.0], [-1.0]], [1.0, 3.0, 7.0], keep=2)
    1.0
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(X.shape[0],))
    h = checks.integer(keep, "keep", at_least=1, at_most=y.size)
    return float(np.sort((y - net.predict(X)) ** 2)[:h].sum())


def partition_fit(
    X,
    y,
    *,
    signs,
    keep=None,
    inner="threshold",
    form="joint",
    start="elemental",
    starts=8,
    seed,
    max_iter=200,
    tol=None,
    threads=1,
):
    """Train by alternating the partition of the input space, the kept set, and a linear regression.

    On a cell of the partition the net is linear in its units, so a least-squares fit of the kept points is
    a full Gauss-Newton step; a step that would not lower the loss is halved.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Of full column rank; n > K d.
    y : array_like, shape (n,)
    signs : array_like, shape (K,)
        The signs s_k of the output weights, +1 or -1.
    keep : int, optional
        h, K d < h <= n; default 3n/4 (rounded up), the coverage with the best guarantee for one unit. Of
        several exact fits of h points the one that fits most points is returned. Only for ``inner="threshold"``.
    inner : {"threshold", "l1", "ols"}
        Keep the h smallest residuals; or least absolute deviations; or all points (breakdown point 0).
    form : {"joint", "regions"}
        One lifted least-squares problem in all units; or (with ``inner="threshold"``) a robust regression
        in every region followed by :func:`infer`, the original form of the algorithm.
    start : {"elemental", "random"} or array_like, shape (S, K, d)
        "elemental": one unit is found by least trimmed squares on slices of {s y > 0}; several units first
        by random starts (half of ``starts``, they are cheap) and, unless one of those fits the kept points
        exactly, from linear pieces (:mod:`robustnn_core.breakdown.starts`).
    starts : int >= 1
        How many starts of a kind are trained at most.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    max_iter : int >= 1
        Bound on the steps of one start.
    tol : float >= 0, optional
        Stop when a step lowers the loss by less than this fraction; default 1e-10, and 1e-6 for ``inner="l1"``.
    threads : int >= 1
        The answer does not depend on it.

    Returns
    -------
    NetFit

    Raises
    ------
    ValueError
        Ragged or non-finite data, keep outside (K d, n], signs not +-1, fewer points than parameters,
        rank-deficient design.

    References
    ----------
    In the book: *Partition training*.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> y[X[:, 0] > 1.0] *= 3.0
    >>> partition_fit(X, y, signs=[1], keep=45, seed=0).net.weights.round(9) + 0.0
    array([[1., 0.]])
    """
    inner = checks.choice(inner, "inner", ("threshold", "l1", "ols"))
    form = checks.choice(form, "form", ("joint", "regions"))
    if form == "regions" and inner != "threshold":
        raise ValueError(f"form = 'regions' trims in every region; use inner = 'threshold', not {inner!r}")
    tol = (1e-6 if inner == "l1" else 1e-10) if tol is None else tol
    problem = _Problem(X, y, signs, keep, inner, start, starts, seed, max_iter, tol, threads)
    if inner == "l1":
        return problem.best("partition_fit", _l1_descent)
    if form == "regions":
        return problem.best("partition_fit", _region_descent)
    return problem.best("partition_fit", _partition)


def dc_fit(
    X,
    y,
    *,
    signs,
    keep=None,
    inner="threshold",
    start="elemental",
    starts=8,
    seed,
    max_iter=200,
    tol=1e-10,
    newton=30,
    threads=1,
):
    """Train by majorising: write the loss as squares of a difference of convex functions, linearise the subtracted one.

    The majoriser is convex and piecewise quadratic, touches the loss at the current units and lies above
    it, so the trimmed loss never rises; it is minimised by a damped Newton method that is safeguarded by
    the smallest subgradient at kinks.

    Parameters
    ----------
    X, y, signs, keep, start, starts, seed, max_iter, tol, threads
        As for :func:`partition_fit`.
    inner : {"threshold", "ols"}
    newton : int >= 1
        Bound on the Newton steps for one majoriser.

    Returns
    -------
    NetFit

    References
    ----------
    In the book: *DC training*.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> y[X[:, 0] > 1.0] *= 3.0
    >>> dc_fit(X, y, signs=[1], keep=45, seed=0).net.weights.round(9) + 0.0
    array([[1., 0.]])
    """
    inner = checks.choice(inner, "inner", ("threshold", "ols"))
    newton = checks.integer(newton, "newton", at_least=1)
    problem = _Problem(X, y, signs, keep, inner, start, starts, seed, max_iter, tol, threads)
    return problem.best("dc_fit", lambda problem, U: _dc(problem, U, newton))


def region_fits(X, y, active, *, keep=None):
    """Least squares in every region of a partition: what the original algorithm computes before INFER.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    active : array_like of bool, shape (n, K)
        The pattern 1{u_k . x_i > 0}.
    keep : array_like of bool, shape (n,), optional
        The points used; default all.

    Returns
    -------
    patterns : ndarray of bool, shape (R, K)
        The regions that hold points.
    coefs : ndarray, shape (R, d)
        The (minimum-norm) least-squares coefficients of each.
    grams : ndarray, shape (R, d, d)
        X_R' X_R of the points used.

    Examples
    --------
    >>> patterns, coefs, _ = region_fits([[1.0], [2.0], [-1.0]], [3.0, 6.0, 0.0], [[1], [1], [0]])
    >>> patterns[:, 0], coefs[:, 0].round(9) + 0.0
    (array([False,  True]), array([0., 3.]))
    """
    X = checks.array(X, "X", shape=("n", "d"))
    y = checks.array(y, "y", shape=(X.shape[0],))
    active = checks.boolean_array(active, "active", shape=(y.size, "K"))
    kept = np.ones(y.size, np.bool_) if keep is None else checks.boolean_array(keep, "keep", shape=(y.size,))
    return _region_fits(X, y, active, kept)


def infer(patterns, coefs, signs, *, grams=None):
    """INFER: the units from the regions' regressions, a_R = sum over active k of s_k u_k, by least squares.

    Parameters
    ----------
    patterns : array_like of bool, shape (R, K)
    coefs : array_like, shape (R, d)
    signs : array_like, shape (K,)
    grams : array_like, shape (R, d, d), optional
        Weights. With the regions' Gram matrices X_R' X_R the answer is the joint lifted least-squares fit
        of the same points; without, every region counts alike.

    Returns
    -------
    ndarray, shape (K, d)
        The minimum-norm answer where the regions do not determine the units.

    Examples
    --------
    >>> infer([[1, 0], [1, 1]], [[2.0], [5.0]], [1, -1]).round(9)
    array([[ 2.],
           [-3.]])
    """
    patterns = checks.boolean_array(patterns, "patterns", shape=("R", "K"))
    R, K = patterns.shape
    coefs = checks.array(coefs, "coefs", shape=(R, "d"))
    signs = checks.signs(signs, "signs", length=K)
    d = coefs.shape[1]
    incidence = patterns * signs
    if grams is None:
        return np.linalg.lstsq(incidence, coefs, rcond=None)[0]
    grams = checks.array(grams, "grams", shape=(R, d, d))
    H = np.einsum("rk,rm,rab->kamb", incidence, incidence, grams).reshape(K * d, K * d)
    b = np.einsum("rk,rab,rb->ka", incidence, grams, coefs).reshape(K * d)
    return np.linalg.lstsq(H, b, rcond=1e-13)[0].reshape(K, d)


# ---------------------------------------------------------------- private


class _Problem:
    """Validated data of one fit, and the loop over its starts."""

    def __init__(self, X, y, signs, keep, inner, start, starts, seed, max_iter, tol, threads):
        self.X = X = checks.squarable(checks.array(X, "X", shape=("n", "d")), "X", axis=0)
        self.y = y = checks.squarable(checks.array(y, "y", shape=(X.shape[0],)), "y")
        self.signs = signs = checks.signs(signs, "signs")
        n, d = X.shape
        K = signs.size
        if n <= K * d:
            raise ValueError(f"X has {n} rows; {K} units in {d} dimensions have {K * d} parameters: give more points")
        if inner != "threshold":
            if keep is not None and keep != n:
                raise ValueError(f"keep = {keep} has no meaning for inner = {inner!r}; leave it out")
            self.h = n
        elif keep is None:
            self.h = min(n, max(-(-3 * n // 4), K * d + 1))
        else:
            self.h = checks.integer(
                keep,
                "keep",
                at_least=K * d + 1,
                at_most=n,
                remedy=f"keep more points than the {K * d} parameters and at most all {n}; 3n/4 = {-(-3 * n // 4)} is the default",
            )
        sizes = np.linalg.svd(X / np.maximum(np.linalg.norm(X, axis=0), 1e-300), compute_uv=False)
        if sizes[-1] <= 1e-10 * sizes[0]:
            raise ValueError("X is rank deficient, so the units are not determined; drop dependent columns")
        self.max_iter = checks.integer(max_iter, "max_iter", at_least=1)
        self.tol = checks.number(tol, "tol", at_least=0.0)
        self.threads = checks.integer(threads, "threads", at_least=1)
        count = checks.integer(starts, "starts", at_least=1)
        self.inner = inner
        self.exact = 1e-24 * float(
            np.sort(y * y)[: self.h].sum() + np.median(np.abs(y[y != 0])) ** 2 if y.any() else 0.0
        )
        if isinstance(start, str):
            start = checks.choice(start, "start", ("elemental", "random"))
            self.phases = self._phases(start, count, streams.generator(seed))
        else:
            self.phases = iter([checks.array(start, "start", shape=("S", K, d))])

    def _phases(self, start, count, rng):
        """Yield batches of starts. Several units: random starts first, they are cheap; elemental ones if none fits exactly."""
        X, y, signs = self.X, self.y, self.signs
        if start == "random":
            yield starting.random(X, y, signs, count, rng)
        elif signs.size == 1:
            found = starting.elemental(X, y, signs, self.h, count, rng)
            yield np.concatenate([found, starting.random(X, y, signs, max(1, min(2, count - len(found))), rng)])
        else:
            yield starting.random(X, y, signs, -(-count // 2), rng)
            yield starting.elemental(X, y, signs, self.h, count, rng)

    def misfits(self, U):
        """How many points a net does not fit exactly."""
        r = np.abs(self.y - np.maximum(self.X @ U.T, 0.0) @ self.signs)
        return int((r > 1e-9 * np.abs(self.y).max()).sum())

    def safe(self, result):
        U, history, *_ = result
        return history[-1] <= self.exact and (
            self.signs.size == 1 or self.inner != "threshold" or starting.safe(self.X, self.y, self.signs, U, self.h)
        )

    def buffers(self):
        n, d = self.X.shape
        K = self.signs.size
        regions = 1 << K if K <= _lifted.REGION_UNITS else 1
        return (
            np.empty(self.max_iter + 1),
            np.zeros(n, np.bool_),
            np.zeros((n, K), np.bool_),
            np.empty((regions, d, d)),
            np.empty((regions, d)),
            np.zeros((K * d, K * d)),
            np.empty(K * d),
        )

    def best(self, name, descend):
        """Descend from every start until one is safe; else the exact fit of most points, else the lowest loss wins."""
        results, winner = [], None
        for batch in self.phases:
            if self.threads > 1 and len(batch) > 1:
                with ThreadPoolExecutor(self.threads) as pool:
                    results += pool.map(lambda U: descend(self, U.copy()), batch)
                winner = next((i for i, result in enumerate(results) if self.safe(result)), None)
            else:
                for U in batch:
                    results.append(descend(self, U.copy()))
                    if self.safe(results[-1]):
                        winner = len(results) - 1
                        break
            if winner is not None:
                break
        if winner is None:
            exact = [i for i, (_, history, *_) in enumerate(results) if history[-1] <= self.exact]
            if exact:
                winner = min(exact, key=lambda i: (self.misfits(results[i][0]), i))
            else:
                winner = int(np.argmin([history[-1] for _, history, *_ in results]))
        U, history, kept, converged = results[winner]
        pattern = self.X @ U.T > 0.0
        determined = np.array(
            [
                np.linalg.matrix_rank(self.X[kept & active]) == self.X.shape[1] if (kept & active).any() else False
                for active in pattern.T
            ]
        )
        steps = len(history) - 1
        if not converged:
            checks.warn_unconverged(
                f"breakdown.{name}",
                f"the loss still falls after {steps} steps (from {history[-2]:.6g} to {history[-1]:.6g} in the last)"
                if steps == self.max_iter
                else f"the majoriser of step {steps} is not at its minimum",
                f"a step that lowers it by less than tol = {self.tol:.3g} of itself",
                f"raise max_iter = {self.max_iter}" + (" or newton" if name == "dc_fit" else ""),
                stacklevel=4,
            )
        return NetFit(
            nets.ReLUSum(U, self.signs), float(history[-1]), history, kept, determined, steps, winner, bool(converged)
        )


def _partition(problem, U):
    history, kept, pattern, gram, side, H, b = problem.buffers()
    steps, converged = _lifted.partition_descent(
        problem.X,
        problem.y,
        problem.signs,
        problem.h,
        U,
        problem.exact,
        problem.tol,
        history,
        kept,
        pattern,
        gram,
        side,
        H,
        b,
    )
    return U, history[: steps + 1].copy(), kept, converged


def _dc(problem, U, newton):
    history, kept, pattern, gram, side, H, b = problem.buffers()
    steps, converged = _lifted.dc_descent(
        problem.X,
        problem.y,
        problem.signs,
        problem.h,
        U,
        problem.exact,
        problem.tol,
        newton,
        history,
        kept,
        pattern,
        gram,
        side,
        H,
        b,
        True,
    )
    return U, history[: steps + 1].copy(), kept, converged


def _region_fits(X, y, active, kept):
    patterns, region = np.unique(active, axis=0, return_inverse=True)
    region = region.ravel()
    R, d = len(patterns), X.shape[1]
    coefs, grams = np.zeros((R, d)), np.zeros((R, d, d))
    for R_ in range(R):
        rows = kept & (region == R_)
        if rows.any():
            coefs[R_] = np.linalg.lstsq(X[rows], y[rows], rcond=None)[0]
            grams[R_] = X[rows].T @ X[rows]
    return patterns, coefs, grams


def _region_descent(problem, U):
    """The original form: in every region keep its share of the points and regress, then INFER; halve until F_h falls."""
    X, y, signs, h = problem.X, problem.y, problem.signs, problem.h
    n = y.size

    def loss(U):
        r2 = (y - np.maximum(X @ U.T, 0.0) @ signs) ** 2
        order = np.argsort(r2, kind="stable")
        return r2, order, float(r2[order[:h]].sum())

    r2, order, now = loss(U)
    history, converged = [now], True
    for _ in range(problem.max_iter):
        if now <= problem.exact:
            break
        active = X @ U.T > 0.0
        region = np.unique(active, axis=0, return_inverse=True)[1].ravel()
        kept = np.zeros(n, np.bool_)
        for R in range(region.max() + 1):
            members = order[region[order] == R]
            kept[members[: int(np.ceil(h / n * members.size))]] = True
        patterns, coefs, grams = _region_fits(X, y, active, kept)
        step = infer(patterns, coefs, signs, grams=grams) - U
        for _ in range(30):
            _, trial_order, value = loss(U + step)
            if value < now:
                break
            step *= 0.5
        if not value < now:
            break
        U, order = U + step, trial_order
        history.append(value)
        if now - value <= problem.tol * now:
            break
        now = value
    else:
        converged = now <= problem.exact
    kept = np.zeros(n, np.bool_)
    kept[order[:h]] = True
    return U, np.array(history), kept, converged


def _l1_descent(problem, U):
    """Lifted least absolute deviations with halving on the sum of moduli."""
    X, y, signs = problem.X, problem.y, problem.signs
    n, d = X.shape

    def residual(U):
        return y - np.maximum(X @ U.T, 0.0) @ signs

    r = residual(U)
    history = [float(np.abs(r).sum())]
    floor, converged = np.sqrt(problem.exact), True
    for _ in range(problem.max_iter):
        now = history[-1]
        if now <= floor:
            break
        Z = ((X @ U.T > 0.0) * signs)[:, :, None] * X[:, None, :]
        Z = Z.reshape(n, -1)
        left, sizes, right = np.linalg.svd(Z, full_matrices=False)
        rank = int((sizes > 1e-10 * max(sizes[0], 1e-300)).sum())
        if rank == 0:
            break
        seen = (Z != 0.0).any(axis=1)  # a point with no active unit has nothing to say
        c, *_ = regression._lad_whitened(np.ascontiguousarray(left[seen, :rank]), r[seen], 100_000)
        step = (right[:rank].T @ (c / sizes[:rank])).reshape(U.shape)
        for _ in range(30):
            trial = residual(U + step)
            value = float(np.abs(trial).sum())
            if value < now:
                break
            step *= 0.5
        if not value < now:
            break
        U, r = U + step, trial
        history.append(value)
        if now - value <= problem.tol * now:
            break
    else:
        converged = history[-1] <= floor
    return U, np.array(history), np.ones(n, np.bool_), converged
