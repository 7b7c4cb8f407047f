r"""The gated program: the convex program without its cones, a group lasso, and what it says of the program with them.

.. math:: d^* = \min_u\ L\Big(\sum_i D_iXu_i,\ y\Big) + \beta\sum_i\|u_i\| .

Every block splits into two of its cone, :math:`u_i = (u_i + t_ia_i) - t_ia_i`, where :math:`|a_i|=1` and
:math:`(2D_i-I)\hat Xa_i\ge\rho_i>0` on rows of length one: the predictions stay and :math:`t_i\le|u_i|/\rho_i` is
enough. So :math:`d^*\le p^*\le d^* + 2\beta\sum_i|u_i^*|/\rho_i` for the optimum :math:`p^*` of the convex program.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from robustnn_core import blas, checks, nets
from robustnn_core.convex import losses, program
from robustnn_core.convex.patterns import Patterns
from robustnn_core.trace import Trace

__all__ = ["GatedFit", "cone_margins", "fit_gated"]

#: Up to this many points the gates are replaced by those of the largest margin.
CENTRED = 2000


@dataclass(frozen=True, eq=False)
class GatedFit:
    """A bracket of the convex program, from a program without cones.

    Attributes
    ----------
    lower_bound : float
        Certified: of the gated program, so of the convex program too.
    objective : float
        Of the convex program at (v, w): an upper bound of its optimum.
    relaxed : float
        Of the gated program at u.
    gap : float
        (relaxed - lower_bound) / relaxed: how well the group lasso was solved.
    converged : bool
        gap <= the gap asked for. The bracket of the convex program is [lower_bound, objective] either way.
    net : nets.ReLUSum
        Of (v, w): its regularised loss is at most ``objective``.
    u, v, w : ndarray, shape (d, P)
    margins : ndarray, shape (P,)
        rho_i of the vectors used, 0 where none was found: then u_i is left out of v, w unless it lies in its cone.
    dual : ndarray, shape (n,)
    patterns : Patterns
    loss : str
    beta : float
    trace : Trace
        ``seconds``, ``relaxed``, ``lower_bound`` each time the bracket was computed.
    """

    lower_bound: float
    objective: float
    relaxed: float
    gap: float
    converged: bool
    net: nets.ReLUSum
    u: np.ndarray
    v: np.ndarray
    w: np.ndarray
    margins: np.ndarray
    dual: np.ndarray
    patterns: Patterns
    loss: str
    beta: float
    trace: Trace


def cone_margins(X, patterns):
    r"""Return unit vectors :math:`a_i` (d, P) inside the cones and their margins :math:`\rho_i` (P,) on unit rows.

    For at most 2000 points those of the largest margin, the nearest point of a convex hull; beyond the gates.

    Parameters
    ----------
    X : array_like, shape (n, d)
    patterns : Patterns

    Examples
    --------
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex.gated import cone_margins
    >>> cone_margins([[1.0, 0.0], [0.0, 2.0]], convex.Patterns([[1], [1]], [[1.0], [0.1]]))[1].round(6)
    array([0.707107])
    """
    X, patterns = _checked(X, patterns)
    length = np.linalg.norm(X, axis=1)
    seen = length > 0.0
    rows = X[seen] / length[seen, None]
    sides = np.where(patterns.active[seen], 1.0, -1.0)
    A = patterns.gates / np.linalg.norm(patterns.gates, axis=0)
    rho = (sides * blas.product(rows, A)).min(axis=0)
    if len(rows) <= CENTRED:
        for i in range(patterns.count):
            # the nearest point of the hull to the origin is along the least |Z'mu|^2 + (1 - sum mu)^2 over mu >= 0
            Z = sides[:, i, None] * rows
            try:
                mu, _ = nnls(np.vstack([Z.T, np.ones(len(Z))]), np.append(np.zeros(Z.shape[1]), 1.0))
            except RuntimeError:  # its iterations ran out: the gate stays
                continue
            a = Z.T @ mu
            size = np.linalg.norm(a)
            if size > 0.0 and (Z @ a).min() / size > rho[i]:
                A[:, i], rho[i] = a / size, (Z @ a).min() / size
    return A, np.maximum(rho, 0.0)


def fit_gated(X, y, patterns, *, beta, loss="squared", gap=1e-3, max_iter=2000, max_seconds=np.inf):
    r"""Solve the gated program by an accelerated proximal gradient method, and round it to the convex program.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        Numbers, or labels +-1 for the hinge and the logistic loss.
    patterns : Patterns
    beta : float > 0
    loss : {"squared", "logistic", "hinge"} or losses.Loss
        The hinge is smoothed, by less and less: slow below gaps of 0.1.
    gap : float > 0
        Wanted relative gap of the group lasso. How wide the bracket of the convex program is depends on the margins.
    max_iter : int >= 1
    max_seconds : float > 0

    Returns
    -------
    GatedFit

    Raises
    ------
    ValueError
        Bad input; patterns of other data.

    Warns
    -----
    ConvergenceWarning
        The gap of the group lasso is larger.

    Notes
    -----
    An iteration is two products with X, O(ndP); memory O(nP).

    References
    ----------
    Beck & Teboulle, SIAM J. Imaging Sci. 2009 (the method); O'Donoghue & Candès, Found. Comput. Math. 2015 (restarts).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import convex
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]])
    >>> patterns = convex.Patterns([[1, 1], [1, 1], [1, 0]], [[0.1, 1.0], [1.0, 0.1]])
    >>> g = convex.fit_gated(X, [1.0, 2.0, 0.0], patterns, beta=0.01)
    >>> g.converged, bool(g.lower_bound <= g.relaxed <= g.objective)
    (True, True)
    """
    X, y, beta = program.check_problem(X, y, patterns, beta, loss)
    form = losses.get(loss)
    gap = checks.number(gap, "gap", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    if not max_seconds > 0.0:
        raise ValueError(f"max_seconds = {max_seconds!r} must be > 0")
    with blas.single_thread():
        best = _Solver(X, y, patterns.active, beta, form, gap).run(max_iter, max_seconds)
        A, rho = cone_margins(X, patterns)
        v, w = _split(X, patterns.active, best["U"], A, rho)
        v, w, objective = program.upper_bound(X, y, _with_gates(patterns, A, rho), beta, loss, v, w)
    reached = _relative(best["upper"], best["lower"])
    if not reached <= gap:
        checks.warn_unconverged(
            "convex.fit_gated",
            f"gap {reached:.2g} after {best['iterations']} iterations",
            f"gap = {gap:.2g}",
            "raise max_iter or gap; the bracket is valid",
        )
    seconds, relaxed, lower = np.array(best["rows"]).T
    return GatedFit(
        lower_bound=float(best["lower"]),
        objective=float(objective),
        relaxed=float(best["upper"]),
        gap=float(reached),
        converged=bool(reached <= gap),
        net=program.recover_net(v, w),
        u=best["U"],
        v=v,
        w=w,
        margins=rho,
        dual=best["dual"],
        patterns=patterns,
        loss=form.name,
        beta=beta,
        trace=Trace(seconds=seconds, relaxed=relaxed, lower_bound=lower),
    )


# ---------------------------------------------------------------------------------------------------


def _checked(X, patterns):
    X = checks.array(X, "X", shape=("n", "d"))
    if not isinstance(patterns, Patterns):
        raise ValueError(f"patterns = {type(patterns).__name__} must be a convex.Patterns")
    if patterns.active.shape[0] != len(X) or patterns.gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"patterns are for n = {patterns.active.shape[0]} points in d = {patterns.gates.shape[0]} dimensions, "
            f"X has shape {X.shape}; sample them from this X"
        )
    return X, patterns


def _with_gates(patterns, A, rho):
    """The patterns with these gates where their margin is positive."""
    return replace(patterns, gates=np.where(rho > 0.0, A, patterns.gates))


def _relative(upper, lower):
    return (upper - lower) / max(abs(upper), 1e-300)


def _split(X, active, U, A, rho):
    """v, w in the cones with v - w = u, by multiples of A on either side, the shorter; 0 where A has no margin."""
    sides = np.where(active, 1.0, -1.0)
    S, T = sides * (X @ U), sides * (X @ A)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(S < 0.0, -S / T, 0.0).max(axis=0)  # v = u + t a
        down = np.where(S > 0.0, S / T, 0.0).max(axis=0)  # w = t a - u
    usable = (rho > 0.0) | (up == 0.0) | (down == 0.0)
    up, down = np.where((rho > 0.0) | (up == 0.0), up, 0.0), np.where((rho > 0.0) | (down == 0.0), down, 0.0)
    first = np.linalg.norm(U + up * A, axis=0) + up
    second = np.linalg.norm(down * A - U, axis=0) + down
    above = np.where(rho > 0.0, first <= second, (S >= 0.0).all(axis=0))
    v = np.where(above, U + up * A, down * A) * usable
    w = np.where(above, up * A, down * A - U) * usable
    return v, w


class _Solver:
    """Accelerated proximal gradient steps with backtracking and restarts; the hinge smoothed by ``width``."""

    def __init__(self, X, y, active, beta, loss, gap):
        self.X, self.y, self.beta, self.loss, self.gap = X, y, beta, loss, gap
        self.active = active
        self.smooth = loss.pieces(y) is None
        self.width = 1.0

    def predict(self, U):
        return np.einsum("kp,kp->k", self.X @ U, self.active)

    def pull(self, r):
        return self.X.T @ (self.active * r[:, None])

    def value_slope(self, p):
        if self.smooth:
            return self.loss.value(p, self.y), self.loss.slope(p, self.y)
        slope, offset, weight = self.loss.pieces(self.y)
        z = offset + slope * p
        h = np.clip(z / self.width, 0.0, 1.0)
        return weight * float((h * z - 0.5 * self.width * h * h).sum()), weight * slope * h

    def bracket(self, U, p, slope):
        """Value, lower bound and its multipliers: the slope, put into the dual box and scaled."""
        value = self.loss.value(p, self.y) + self.beta * float(np.linalg.norm(U, axis=0).sum())
        z = self.loss.clip(-slope, self.y)
        top = float(np.linalg.norm(self.pull(z), axis=0).max())
        theta, lower = self.loss.scale(z, self.y, self.beta / (top * (1.0 + 1e-12)) if top > 0.0 else np.inf)
        return value, lower, theta * z

    def run(self, max_iter, max_seconds):
        since = time.perf_counter()
        U = np.zeros((self.X.shape[1], self.active.shape[1]))
        V, t, step, pU = U, 1.0, self.first_step(), np.zeros(len(self.y))
        best = {"upper": np.inf, "lower": -np.inf, "rows": [], "U": U, "dual": np.zeros(len(self.y))}
        pV, last = pU, np.inf
        for number in range(max_iter):
            value, slope = self.value_slope(pV)
            G = self.pull(slope)
            while True:
                W = V - step * G
                size = np.linalg.norm(W, axis=0)
                W = W * np.maximum(0.0, 1.0 - step * self.beta / np.maximum(size, 1e-300))
                pW, D = self.predict(W), W - V
                new, _ = self.value_slope(pW)
                if new <= value + float((G * D).sum()) + float((D * D).sum()) / (2.0 * step) + 1e-14 * abs(value):
                    break
                step *= 0.5
            whole = new + self.beta * float(np.linalg.norm(W, axis=0).sum())
            if whole > last:  # restart
                t, V, pV, last = 1.0, U, pU, np.inf
                continue
            last = whole
            again = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t * t))
            share = (t - 1.0) / again
            V, pV = W + share * (W - U), pW + share * (pW - pU)
            U, pU, t = W, pW, again
            step *= 1.05
            if number % 10 == 9 or number == max_iter - 1:
                now = self.record(best, U, pU, since)
                if now <= self.gap or time.perf_counter() - since > max_seconds:
                    break
        if not best["rows"]:
            self.record(best, U, pU, since)
        best["iterations"] = number + 1
        return best

    def record(self, best, U, p, since):
        _, slope = self.value_slope(p)
        upper, lower, dual = self.bracket(U, p, slope)
        if upper < best["upper"]:
            best["upper"], best["U"] = upper, U
        if lower > best["lower"]:
            best["lower"], best["dual"] = lower, dual
        best["lower"] = program.below(best["lower"], best["upper"])
        best["rows"].append((time.perf_counter() - since, best["upper"], best["lower"]))
        now = _relative(best["upper"], best["lower"])
        if not self.smooth:
            self.width = min(self.width, max(0.3 * now, 0.3 * self.gap) * best["upper"])
        return now

    def first_step(self):
        """1 / (an estimate of the largest curvature), by ten products; backtracking mends it."""
        u = np.ones((self.X.shape[1], self.active.shape[1]))
        for _ in range(10):
            u = self.pull(self.predict(u))
            size = np.linalg.norm(u)
            u = u / size if size > 0.0 else u
        return 1.0 / max(size * self.loss.bend(len(self.y)), 1e-300)
