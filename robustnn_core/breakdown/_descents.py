"""The descents of the network fits, and the loop over their starts. Private."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, streams
from robustnn_core.breakdown import _lad, _lifted, _majoriser, _starts, regions


@dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent from one start ended.

    Units (K, d), the loss at the start and after every step (T + 1,), the kept points (n,), and whether it ended
    by itself.
    """

    U: np.ndarray
    losses: np.ndarray
    kept: np.ndarray
    converged: bool


class Problem:
    """Validated data of one fit, and the loop over its starts."""

    def __init__(self, X, y, signs, keep, inner, init, start, starts, seed, max_iter, tol, threads):
        self.X = X = checks.squarable(checks.array(X, "X", shape=("n", "d")), "X", axis=0)
        self.y = y = checks.squarable(checks.array(y, "y", shape=(X.shape[0],)), "y")
        self.signs = signs = checks.signs(signs, "signs")
        self.h = _kept(keep, inner, len(X), signs.size, X.shape[1])
        sizes = np.linalg.svd(X / np.maximum(np.linalg.norm(X, axis=0), 1e-300), compute_uv=False)
        if sizes[-1] <= 1e-10 * sizes[0]:
            raise ValueError("X is rank deficient, so the units are not determined; drop dependent columns")
        self.max_iter = checks.integer(max_iter, "max_iter", at_least=1)
        self.tol = checks.number(tol, "tol", at_least=0.0)
        self.threads = checks.integer(threads, "threads", at_least=1)
        self.inner = inner
        self.exact = 1e-24 * float(
            np.sort(y * y)[: self.h].sum() + np.median(np.abs(y[y != 0])) ** 2 if y.any() else 0.0
        )
        starts = checks.integer(starts, "starts", at_least=1)
        init = checks.choice(init, "init", ("elemental", "random"))
        if start is None:
            self.phases = self._phases(init, starts, streams.generator(seed))
        else:
            self.phases = iter([checks.array(start, "start", shape=("S", signs.size, X.shape[1]))])

    def _phases(self, init, count, rng):
        """Yield batches of starts. Several units: random ones first, they are cheap; elemental ones if none fits."""
        X, y, signs = self.X, self.y, self.signs
        if init == "random":
            yield _starts.random(X, y, signs, count, rng)
        elif signs.size == 1:
            found = _starts.elemental(X, y, signs, self.h, count, rng)
            yield np.concatenate([found, _starts.random(X, y, signs, max(1, min(2, count - len(found))), rng)])
        else:
            yield _starts.random(X, y, signs, -(-count // 2), rng)
            yield _starts.elemental(X, y, signs, self.h, count, rng)

    def misfits(self, U):
        """How many points a net does not fit exactly."""
        r = np.abs(self.y - np.maximum(self.X @ U.T, 0.0) @ self.signs)
        return int((r > 1e-9 * np.abs(self.y).max()).sum())

    def safe(self, found):
        """Is this an exact fit that no attack inside the bounds can have forged?"""
        return found.losses[-1] <= self.exact and (
            self.signs.size == 1
            or self.inner != "threshold"
            or _starts.safe(self.X, self.y, self.signs, found.U, self.h)
        )

    def buffers(self):
        """Arrays that a compiled descent writes into: losses, kept points, pattern, and work."""
        (n, d), K = self.X.shape, self.signs.size
        return (
            np.empty(self.max_iter + 1),
            np.zeros(n, np.bool_),
            np.zeros((n, K), np.bool_),
            *_lifted.work_arrays(d, K),
        )

    def best(self, descend):
        """Descend from every start until one is safe; else the exact fit of most points, else the lowest loss wins."""
        found = []
        for batch in self.phases:
            if self.threads > 1 and len(batch) > 1:
                with ThreadPoolExecutor(self.threads) as pool:
                    found += pool.map(lambda U: descend(self, U.copy()), batch)
                winner = next((i for i, each in enumerate(found) if self.safe(each)), None)
                if winner is not None:
                    return found[winner], winner
            else:
                for U in batch:
                    found.append(descend(self, U.copy()))
                    if self.safe(found[-1]):
                        return found[-1], len(found) - 1
        exact = [i for i, each in enumerate(found) if each.losses[-1] <= self.exact]
        if exact:
            winner = min(exact, key=lambda i: (self.misfits(found[i].U), i))
        else:
            winner = int(np.argmin([each.losses[-1] for each in found]))
        return found[winner], winner


def _kept(keep, inner, n, K, d):
    """Return h, the number of points kept."""
    if n <= K * d:
        raise ValueError(f"X has {n} rows; {K} units in {d} dimensions have {K * d} parameters: give more points")
    if inner != "threshold":
        if keep is not None and checks.count(keep, "keep", of=n) != n:
            raise ValueError(f"keep = {keep} has no meaning for inner = {inner!r}; leave it out")
        return n
    usual = max(-(-3 * n // 4), K * d + 1)
    if keep is None:
        return usual
    remedy = f"keep more points than the {K * d} parameters and at most all {n}; {usual} is the default"
    return checks.count(keep, "keep", of=n, at_least=K * d + 1, remedy=remedy)


def partition(problem, U):
    """Lifted least squares of the kept points, all units at once."""
    losses, kept, pattern, *work = problem.buffers()
    steps, converged = _lifted.descend(
        problem.X,
        problem.y,
        problem.signs,
        problem.h,
        U,
        problem.exact,
        problem.tol,
        losses,
        kept,
        pattern,
        *work,
    )
    return Descent(U, losses[: steps + 1].copy(), kept, bool(converged))


def dc(problem, U, max_inner):
    """Minimise the majoriser of the kept points, step after step."""
    losses, kept, pattern, *work = problem.buffers()
    steps, converged = _majoriser.descend(
        problem.X,
        problem.y,
        problem.signs,
        problem.h,
        U,
        problem.exact,
        problem.tol,
        max_inner,
        losses,
        kept,
        pattern,
        *work,
        True,
    )
    return Descent(U, losses[: steps + 1].copy(), kept, bool(converged))


def region_wise(problem, U):
    """The original form: keep each region's share of the points, regress there, then INFER; halve until F_h falls."""
    X, y, signs, h = problem.X, problem.y, problem.signs, problem.h
    n = y.size

    def loss(U):
        r2 = (y - np.maximum(X @ U.T, 0.0) @ signs) ** 2
        order = np.argsort(r2, kind="stable")
        return order, float(r2[order[:h]].sum())

    order, now = loss(U)
    losses, converged = [now], True
    for _ in range(problem.max_iter):
        if now <= problem.exact:
            break
        active = X @ U.T > 0.0
        region = np.unique(active, axis=0, return_inverse=True)[1].ravel()
        kept = np.zeros(n, np.bool_)
        for R in range(region.max() + 1):
            members = order[region[order] == R]
            kept[members[: int(np.ceil(h / n * members.size))]] = True
        patterns, coefs, grams = regions.fit_regions(X, y, active, kept=kept)
        step = regions.infer(patterns, coefs, signs, grams=grams) - U
        for _ in range(30):
            trial_order, value = loss(U + step)
            if value < now:
                break
            step *= 0.5
        if not value < now:
            break
        U, order = U + step, trial_order
        losses.append(value)
        if now - value <= problem.tol * now:
            break
        now = value
    else:
        converged = now <= problem.exact
    kept = np.zeros(n, np.bool_)
    kept[order[:h]] = True
    return Descent(U, np.array(losses), kept, bool(converged))


def least_absolute(problem, U):
    """Lifted least absolute deviations with halving on the sum of moduli."""
    X, y, signs = problem.X, problem.y, problem.signs
    n, d = X.shape

    def residual(U):
        return y - np.maximum(X @ U.T, 0.0) @ signs

    r = residual(U)
    losses = [float(np.abs(r).sum())]
    floor, converged = np.sqrt(problem.exact), True
    for _ in range(problem.max_iter):
        now = losses[-1]
        if now <= floor:
            break
        Z = ((X @ U.T > 0.0) * signs)[:, :, None] * X[:, None, :]
        Z = Z.reshape(n, -1)
        left, sizes, right = np.linalg.svd(Z, full_matrices=False)
        rank = int((sizes > 1e-10 * max(sizes[0], 1e-300)).sum())
        if rank == 0:
            break
        seen = (Z != 0.0).any(axis=1)  # a point with no active unit has nothing to say
        c, *_ = _lad.solve(np.ascontiguousarray(left[seen, :rank]), r[seen], 100_000)
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
        losses.append(value)
        if now - value <= problem.tol * now:
            break
    else:
        converged = losses[-1] <= floor
    return Descent(U, np.array(losses), np.ones(n, np.bool_), bool(converged))
