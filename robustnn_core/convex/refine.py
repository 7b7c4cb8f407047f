"""Beyond the sample: the cells that lower the optimum are taken in, and the global optimum is certified."""

import time
from dataclasses import dataclass, replace

import numpy as np

from robustnn_core import blas, checks, streams
from robustnn_core.convex import baselines, cells, program, rounding, theory, training
from robustnn_core.convex._columns import centred, new_columns
from robustnn_core.convex.arrangement import enumerate_patterns
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.price import cover, price_all, price_local
from robustnn_core.convex.program import Fit
from robustnn_core.trace import Trace

__all__ = ["Refined", "refine"]

#: A relative gap above which a solve counts as broken: its dual prices nothing.
BROKEN = 0.1
#: The reasons to stop that are not for want of rounds or time.
CERTIFIED, NOTHING_DEARER = "certified", "no neuron dearer than beta was found"
LITTLE_GAINED = "the last round gained less than the gap"
DONE = (CERTIFIED, NOTHING_DEARER, LITTLE_GAINED)
#: How many neurons a descent takes in.
COLUMNS = 20


@dataclass(frozen=True, eq=False)
class Refined(Fit):
    """A :class:`Fit` of the patterns found, with what is known of the nonconvex problem.

    Attributes
    ----------
    globally_optimal : bool
        Every unit was priced and (objective - nonconvex_lower_bound) <= gap max(|objective|, 1e-12 L(0, y)), with the
        gap asked for: no net of any width has a smaller regularised loss (up to it).
    nonconvex_lower_bound : float
        No net of any width is below it; -inf if not every cell was priced.
    price : float
        Largest price found at this fit's dual point; above beta there is more to gain.
    rounds : int
        Solves.
    trace : Trace
        ``seconds``, the regularised loss of the best net so far (``objective``) and how many ``patterns`` (units) were
        tried, after each descent and each solve.
    stopped : str
        Why: ``"certified"``, ``"rounds ran out"``, ``"time ran out"``, ``"no neuron dearer than beta was found"``,
        ``"the last round gained less than the gap"`` or that a solve broke off.
    """

    globally_optimal: bool = False
    nonconvex_lower_bound: float = -np.inf
    price: float = np.inf
    rounds: int = 0
    trace: Trace = None
    stopped: str = ""


def refine(
    X,
    y,
    fit,
    *,
    seed,
    max_iter=20,
    gap=1e-4,
    starts=64,
    columns=40,
    exhaustive_limit=2000,
    descents=8,
    steps=1000,
    max_seconds=np.inf,
    fit_function=None,
):
    """Lower the optimum by patterns that the sample missed, priced by the dual.

    Few cells (``arrangement_count`` at most ``exhaustive_limit``): each round takes up to ``columns`` of the dearest,
    local maxima of the price, started from random directions, from the points and from the units of the net, and the
    cells around each unit: the points it nearly ties are put on both sides, all together and one by one. Patterns
    whose blocks are zero are dropped, those in use stay, so the optimum never rises. When nothing dearer than
    beta is found all cells are priced: that certifies the global optimum of the nonconvex problem, or finds what was
    missing.

    Many cells: a round takes up to ``descents`` times the dearest neurons into the net and lets all units move
    across cells by ``steps`` of Adam on the regularised loss; then the program with the cells in which the best of
    these nets ends is solved, so its optimum is at most the loss of that net. A round of this kind that gains nothing
    is followed by one of the first kind; if that gains nothing either, the search stops.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    fit : Fit
        Of this X and y.
    seed : int, tuple or numpy Generator
    max_iter : int >= 1
        Rounds, of at most one solve each.
    gap : float > 0
        Wanted: the relative gap of the last solves and of the certificate.
    starts, columns : int >= 1
    exhaustive_limit : int >= 0
        Price every cell if ``arrangement_count`` is at most this.
    descents : int >= 0
        0: rounds of the first kind only.
    steps : int >= 1
    max_seconds : float
        Nothing new is begun later; a solve that has begun is finished.
    fit_function : callable, optional
        In place of :func:`~robustnn_core.convex.training.fit`.

    Returns
    -------
    Refined
        Its ``stopped`` says why it went no further. A solve with a relative gap above 0.1 is thrown away: its dual is
        no guide.

    Warns
    -----
    ConvergenceWarning
        Rounds or time ran out, a solve broke off, or the gap of the last solve is above the one asked for.

    Examples
    --------
    >>> from robustnn_core import streams
    >>> from robustnn_core.convex import refine, training
    >>> from robustnn_core.convex import sample_patterns
    >>> X = streams.generator(1).standard_normal((8, 2))
    >>> first = training.fit(X, X[:, 0] ** 2, sample_patterns(X, 2, seed=0), beta=0.1)
    >>> best = refine(X, X[:, 0] ** 2, first, seed=0)
    >>> best.objective <= first.objective, best.globally_optimal, best.stopped
    (True, True, 'certified')
    """
    X, y, objective = program.check_fit(X, y, fit)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    exhaustive_limit = checks.integer(exhaustive_limit, "exhaustive_limit", at_least=0)
    few = theory.arrangement_count(len(X), np.linalg.matrix_rank(X)) <= exhaustive_limit
    every = enumerate_patterns(X, limit=exhaustive_limit) if few else None
    descents = checks.integer(descents, "descents", at_least=0)
    if max_seconds != np.inf:
        max_seconds = checks.number(max_seconds, "max_seconds", above=0.0)
    search = _Search(
        X=X,
        y=y,
        rng=streams.generator(seed),
        wanted=checks.number(gap, "gap", above=0.0),
        starts=checks.integer(starts, "starts", at_least=1),
        columns=checks.integer(columns, "columns", at_least=1),
        descents=0 if few else descents,
        steps=checks.integer(steps, "steps", at_least=1),
        every=every,
        slack=cover(X, every) if few else None,
        solve=training.solve if fit_function is None else fit_function,
        until=time.perf_counter() + max_seconds,
    )
    search.begin(replace(fit, objective=objective))
    stopped = ""
    while not stopped:
        found = search.priced()
        stopped = search.reason(found, max_iter) or search.round(found)
    best = search.result(stopped)
    if not best.converged:
        reached = f"{stopped} after {best.rounds} rounds, gap {best.gap:.2g}"
        remedy = "raise max_iter, max_seconds or gap"
        checks.warn_unconverged("convex.refine", reached, f"no dearer neuron and gap = {gap:.2g}", remedy)
    return best


class _Search:
    """Where a refinement stands: its current and its best fit, what is known of all cells, the time that is left."""

    def __init__(self, **options):
        vars(self).update(options)
        self.start, self.done = time.perf_counter(), 0
        self.lower, self.dearest, self.by_descent = -np.inf, np.inf, self.descents > 0
        self.coarse = self.wanted if self.descents else max(self.wanted, 1e-2)
        # the certificate needs room for the price
        self.fine = self.wanted if self.every is None else self.wanted / 10.0

    def begin(self, fit):
        """Start from ``fit``, solved once more where it is broken."""
        self.current = self.best = fit
        self.rows = [(0.0, fit.objective, fit.patterns.count)]
        if not fit.gap <= BROKEN:
            again = self.solved(fit.patterns, 1e-2)
            self.current = again if again.gap < fit.gap else fit
            self.best = self.current if self.current.objective <= fit.objective else fit

    def solved(self, patterns, gap):
        return self.solve(self.X, self.y, patterns, beta=self.current.beta, loss=self.current.loss, gap=gap)

    @property
    def late(self):
        return time.perf_counter() >= self.until

    @property
    def precise(self):
        """Whether the current fit is as exact as the certificate asks for, or will not become more so."""
        return self.current.gap <= self.fine or self.coarse <= self.fine

    def gap(self):
        """The relative gap to the bound of every net."""
        return program.relative_gap(self.best.objective, self.lower, self.best.loss, self.y)

    def priced(self):
        """The dearest neurons at the current dual point; where that finds none, of all cells, if they are listed."""
        fit, X = self.current, self.X
        if not fit.gap <= BROKEN:
            return None
        units = _units(fit)
        starts = units if units.size else None
        found = price_local(X, fit.dual, fit.beta, self.rng, self.starts, starts, points=not self.descents)
        if self.precise and self.every is not None and found.value <= fit.beta * (1.0 + self.wanted):
            found = price_all(X, fit.dual, fit.beta, self.every, self.slack)
            top = min(1.0, (1.0 - 4.0 * rounding.UNIT) * fit.beta / found.bound) if found.bound > 0.0 else 1.0
            self.lower = max(self.lower, fit.loss.scale(fit.dual, self.y, top)[1])
        if fit is self.best:
            self.dearest = found.value
        return found

    def reason(self, found, max_iter):
        """Why to stop before another round, or an empty string."""
        if found is None:
            return f"a solve broke off at a relative gap of {self.current.gap:.2g}"
        if self.gap() <= self.wanted:
            return CERTIFIED
        if self.done == max_iter:
            return "rounds ran out"
        return "time ran out" if self.late else ""

    def round(self, found):
        """One solve with other patterns; return why to stop after it, or an empty string."""
        moved = self.descended(found) if self.by_descent else None
        self.by_descent = moved is not None
        made = moved or self.extended(found)
        if made is None:
            return NOTHING_DEARER
        active, gates = made
        # no pattern: the zero net is optimal and nothing is dearer than beta
        patterns = Patterns(active, gates) if active.shape[1] else self.current.patterns
        new = self.solved(patterns, self.coarse)
        self.done += 1
        if not new.gap <= BROKEN:  # once more, for less
            new = self.solved(patterns, 1e-2)
        best = min(self.best.objective, new.objective)
        self.rows.append((time.perf_counter() - self.start, best, new.patterns.count))
        if not new.gap <= BROKEN:
            return f"a solve broke off at a relative gap of {new.gap:.2g}"
        return self.judged(new, moved is not None)

    def judged(self, new, by_descent):
        """Take in a new fit; return why to stop, or an empty string."""
        before, self.current = self.current.objective, new
        gain = self.best.objective - new.objective
        if self.descents:
            nothing = new.loss.value(np.zeros(len(self.y)), self.y)
            self.by_descent = gain > self.wanted * max(abs(self.best.objective), 1e-12 * nothing)
            if not self.by_descent and not by_descent:
                self.best = new if gain >= 0.0 else self.best
                return LITTLE_GAINED
            if not self.by_descent:
                self.current = new if gain >= 0.0 else self.best
        elif before - new.objective < 3.0 * self.coarse * abs(before):
            self.coarse = max(self.fine, 0.1 * self.coarse)
        if self.current.objective <= self.best.objective:
            self.best = self.current
        return ""

    def extended(self, found):
        """The patterns in use and the dearest new ones, (active, gates), or None where there is none to take in."""
        fit, X = self.current, self.X
        dear = 1e-7 if self.every is not None else 0.1 * self.wanted
        extra = new_columns(X, fit, _units(fit), found, fit.beta * (1.0 + dear), self.columns)
        if extra is None:
            if self.precise:
                return None
            extra = (np.zeros((len(X), 0), dtype=bool), np.zeros((X.shape[1], 0)))
            self.coarse = self.fine
        block = np.linalg.norm(fit.v, axis=0) + np.linalg.norm(fit.w, axis=0)
        used = block > 1e-7 * max(block.max(), 1e-300)
        return (
            np.column_stack([fit.patterns.active[:, used], extra[0]]),
            np.column_stack([fit.patterns.gates[:, used], extra[1]]),
        )

    def descended(self, found):
        """The cells (active, gates) in which the best net of a few descents ends, or None if it is no better."""
        net, best = (self.current.net.weights, self.current.net.signs), None
        lam, value = self.current.dual, np.inf
        with blas.single_thread():
            for k in range(self.descents):
                W, s, _ = _long(*net)
                if k:
                    starts = W.T if len(W) else None
                    found = price_local(self.X, lam, self.current.beta, self.rng, self.starts, starts, points=False)
                moved = self.moved(W, s, found)
                if moved is None:
                    break
                net, lam, new = moved
                best_here = min(self.best.objective, value, new)
                self.rows.append((time.perf_counter() - self.start, best_here, len(net[0])))
                stuck = new > value * (1.0 - 3e-4)
                if new < value:
                    best, value = net, new
                if stuck or self.late:
                    break
        if not value < self.best.objective:
            return None
        return centred(self.X, *cells.patterns_of(self.X, best[0].T))

    def moved(self, W, s, found):
        """Adam on the net (W, s) and the dearest neurons found: the net, minus its slope, its regularised loss."""
        X, y, beta, loss = self.X, self.y, self.current.beta, self.current.loss
        length = np.linalg.norm(W, axis=1)
        dear = np.flatnonzero(found.values > beta * (1.0 + 1e-4))[:COLUMNS]
        U, side = found.gates[:, dear].T, found.signs[dear]
        # each new unit gets its share of the length that would be best for it alone
        t = (found.values[dear] - beta) / (
            loss.bend(len(X)) * (np.maximum(X @ U.T, 0.0) ** 2).sum(axis=0) * max(1, len(dear))
        )
        U = np.concatenate([W / np.sqrt(length)[:, None], np.sqrt(t)[:, None] * U])
        alpha = np.concatenate([s * np.sqrt(length), side * np.sqrt(t)])
        if not len(U):
            return None
        # a rate that goes with the size of the weights, in whatever units the data are
        rate = 0.1 * np.sqrt((U**2).sum(axis=1).mean() / X.shape[1])
        still = np.zeros(X.shape[1])
        U, alpha, _ = baselines.descend(X, y, U, alpha, still, beta, loss, steps=self.steps, rate=rate)
        W, s, length = _long(np.abs(alpha)[:, None] * U, np.where(alpha < 0.0, -1.0, 1.0))
        p = np.maximum(X @ W.T, 0.0) @ s
        value = loss.value(p, y) + beta * float(length.sum())
        return (W, s), -loss.slope(p, y), value

    def result(self, stopped):
        """What was found."""
        best = self.best
        if best is not self.current or self.dearest == np.inf or self.descents:  # once more, from the points as well
            units = _units(best)
            starts = units if units.size else None
            again = price_local(self.X, best.dual, best.beta, self.rng, self.starts, starts)
            known = self.dearest if best is self.current and self.dearest < np.inf else 0.0
            self.dearest = max(again.value, known)
        self.lower = program.below(self.lower, best.objective)
        seconds, objective, patterns = zip(*self.rows)
        own = {name: getattr(best, name) for name in Fit.__dataclass_fields__ if name not in ("converged", "trace")}
        return Refined(
            **own,
            converged=stopped in DONE and (stopped == CERTIFIED or best.gap <= self.wanted),
            globally_optimal=bool(self.gap() <= self.wanted),
            nonconvex_lower_bound=self.lower,
            price=self.dearest,
            rounds=self.done,
            trace=Trace(seconds=seconds, objective=objective, patterns=patterns),
            stopped=stopped,
        )


def _units(fit):
    """The blocks that are not nothing, (d, K)."""
    units = np.concatenate([fit.v, fit.w], axis=1)
    size = np.linalg.norm(units, axis=0)
    return units[:, size > 1e-7 * max(size.max(), 1e-300)]


def _long(W, s):
    """The units that are longer than 1e-3 of the longest, their signs and their lengths."""
    length = np.linalg.norm(W, axis=1)
    keep = length > 1e-3 * length.max()
    return W[keep], s[keep], length[keep]
