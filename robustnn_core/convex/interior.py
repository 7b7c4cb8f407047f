r"""A primal-dual interior point: one loop for every convex program of this package.

A :class:`Model` owns the linear algebra, the slacks and the certificates of its program; scaling, step length and
neighbourhood of the cones are shared (:mod:`~robustnn_core.convex._cones`). Predictor and corrector after Mehrotra
(SIAM J. Optim. 1992), Nesterov-Todd scaling. Every iterate is strictly feasible, so each gives a bracket.
"""

import numpy as np

from robustnn_core.convex import _cones

#: Rounds of shortening before a step is given up.
SHORTER = 60
#: How much longer a step a corrector tries for.
WISH = 0.3


class Model:
    """What the loop asks of a program.

    Attributes
    ----------
    degree : int
        Products in the complementarity.
    share : float in (0, 1)
        Of the way to the boundary.
    wide : float
        How far a cone may fall behind the mean complementarity.
    correctors : int
        How many more solves an iteration may spend to lengthen its step; worth it where factors are dear.
    patience : int
        Steps without progress before the loop gives up.
    """

    degree: int
    share = 0.99
    wide = 1e-2
    correctors = 0
    patience = 8

    def start(self):
        """Return a strictly feasible :class:`~robustnn_core.convex._cones.Point`."""
        raise NotImplementedError

    def certify(self, point, bracket):
        """Offer the bracket the objective at the point and the bound of its multipliers."""
        raise NotImplementedError

    def system(self, point, scaling, gap):
        """Return the factors of a Newton step: ``solve(rows, c0, c1, refined)`` gives the direction for these sides
        of the slacks and of the norm cones; ``lag`` is what else the smooth part of the loss adds to the gap."""
        raise NotImplementedError

    def settle(self, point, move, length):
        """Return the point after the step, its slacks computed anew."""
        raise NotImplementedError

    def near(self, point, total, length, lag):
        """Return whether the smooth part of the loss is not far behind."""
        return True


class _Stall:
    """Early on mu falls while the gap is still 1: only both standing still is a stall."""

    def __init__(self, patience):
        self.patience, self.rounds, self.gap, self.mu = patience, 0, np.inf, np.inf

    def __call__(self, gap, mu):
        self.rounds = self.rounds + 1 if gap > 0.98 * self.gap and mu > 0.9 * self.mu else 0
        self.gap, self.mu = min(self.gap, gap), min(self.mu, mu)
        return self.rounds >= self.patience


def _direction(model, system, scaling, point, total):
    """Predictor, then the corrector to the share of mu that the predictor leaves, then those of Gondzio."""
    affine = system.solve([-a * b for a, b in zip(point.s, point.z)], *scaling.targets(), refined=False)
    length = min(1.0, _cones.longest(point, affine))
    after = point.moved(affine, length).complementarity()
    sigma = min(1.0, max(after / total, 0.0)) ** 3
    # mu must not run ahead of a smooth loss, whose equation is solved by the same steps
    target = max(sigma * total, system.lag) / model.degree
    rows = [target - a * b - da * db for a, b, da, db in zip(point.s, point.z, affine.s, affine.z)]
    cones = scaling.targets(affine, target)
    move = system.solve(rows, *cones)
    length = _cones.longest(point, move)
    for _ in range(model.correctors if length < 0.9 else 0):
        trial = point.moved(move, min(1.0, length + WISH))
        rows = [row + _outliers(a * b, target) for row, a, b in zip(rows, trial.s, trial.z)]
        other = system.solve(rows, *cones)
        further = _cones.longest(point, other)
        if further < length + 0.1 * WISH:
            break
        move, length = other, further
    return move


def _outliers(products, mu):
    """What brings products far from mu back, by at most 10 mu (Gondzio, Comput. Optim. Appl. 1996)."""
    return np.maximum(np.clip(products, 0.1 * mu, 10.0 * mu) - products, -10.0 * mu)


def _advanced(model, point, move, lag):
    """The point after the longest step that stays near the central path, or None."""
    length = min(1.0, model.share * _cones.longest(point, move))
    for _ in range(SHORTER):
        if not length > 1e-9:
            return None
        new = model.settle(point, move, length)
        if all((part > 0.0).all() for part in (*new.s, *new.z)):  # rounding in the slacks computed anew
            total = new.complementarity()
            if _cones.centred(new, total, model.degree, model.wide) and model.near(new, total, length, lag):
                return new
        length *= 0.8
    return None


def solve(model, bracket, *, gap, max_iter, max_seconds=np.inf):
    """Close the bracket of the model's program to ``gap`` and return it."""
    point, stall = model.start(), _Stall(model.patience)
    for _ in range(max_iter):
        model.certify(point, bracket)
        if bracket.record() <= gap or bracket.seconds > max_seconds:
            return bracket
        total = point.complementarity()
        if stall(bracket.gap, total / model.degree):
            return bracket
        try:
            scaling = _cones.NesterovTodd(point)
            system = model.system(point, scaling, bracket.gap)
            move = _direction(model, system, scaling, point, total)
        except _cones.Broken:
            return bracket
        point = _advanced(model, point, move, system.lag)
        if point is None:
            return bracket
    model.certify(point, bracket)
    bracket.record()
    return bracket
