r"""Convex adversarial training: the worst case of a box, in closed form and with a certificate.

Every coordinate j of every training point may move by at most :math:`e_j`. With :math:`q_k = \sum_i d_{ik}(v_i - w_i)`,

.. math:: \min_{v,w}\ \tfrac1n\sum_k\ell\big(y_kq_k^\top x_k - \|e\circ q_k\|_1\big) + \beta\sum_i(\|v_i\|+\|w_i\|)
    \quad\text{s.t. } (2D_i-I)Xv_i \ge \|e\circ v_i\|_1,\ (2D_i-I)Xw_i \ge \|e\circ w_i\|_1 ,

for the hinge and the logistic loss; :math:`\tfrac12\sum_k(|q_k^\top x_k-y_k|+\|e\circ q_k\|_1)^2` for the squared one. At a
feasible point no unit changes its pattern anywhere in the box, so the first term *is* the worst loss of the net.

The solver is a primal-dual interior point method. Every block has its own d x d matrix; the blocks meet in
V - W only, one system of size P d.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from robustnn_core import blas, checks, nets
from robustnn_core.convex.cells import box, flat_block, robust_margin
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import LOSSES, Fit, below, relative_gap

__all__ = ["RobustFit", "WorstCase", "fit_robust", "robust_linear", "worst_case_loss"]

#: A robust margin is above 1 if it is so by this much: less is within a linear program's own tolerance.
STRICT = 1e-7


@dataclass(frozen=True, eq=False)
class RobustFit(Fit):
    """A feasible point of the robust program, with its certificate: a :class:`Fit` and four more fields.

    Attributes
    ----------
    radius : ndarray, shape (d,)
        e, 0 for the bias.
    worst_loss : float
        The worst loss of ``net`` when every training point moves inside its box: exact, not an estimate.
    screened : ndarray of bool, shape (P,)
        Patterns that cannot carry a block: their blocks are zero.
    adversary : ndarray, shape (n, d)
        The moves of the dual solution, inside the box: for the hinge and the logistic loss, its weights on the moved
        points give ``lower_bound``; for the squared one they are the mean of the two moves a point may mix.
    """

    radius: np.ndarray = None
    worst_loss: float = np.nan
    screened: np.ndarray = None
    adversary: np.ndarray = None


@dataclass(frozen=True, eq=False)
class WorstCase:
    """A bracket of the worst loss of a net over a box.

    Attributes
    ----------
    loss : float
        Certified: no move inside the box gives more.
    reached : float
        The loss at ``X + moves``: some move inside the box gives this.
    exact : bool
        No unit changes its sign inside any box; then both are the worst case.
    margins : ndarray, shape (n,)
        Certified lower bound of y f at every point (hinge and logistic), or upper bound of |f - y| (squared).
    moves : ndarray, shape (n, d)
    """

    loss: float
    reached: float
    exact: bool
    margins: np.ndarray
    moves: np.ndarray


def fit_robust(X, y, patterns, *, beta, radius, bias=None, loss="hinge", tol=1e-3, iterations=100):
    r"""Train a two-layer ReLU net against a box, to a certified optimum of the robust convex program.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points; the caller appends the column of ones of a bias, and names it.
    y : array_like, shape (n,)
        Labels +-1, or numbers for the squared loss.
    patterns : Patterns
        Patterns of X. Those that no unit can keep over the box are screened out.
    beta : float > 0
    radius : float >= 0 or array_like, shape (d,)
        Of every column but ``bias``, or a vector that is taken as it is: see :func:`box`.
    bias : int, optional
        Index of the column that never moves; None: every column moves.
    loss : {"hinge", "logistic", "squared"}
    tol : float > 0
        Wanted relative gap between the objective and its lower bound.
    iterations : int >= 1

    Returns
    -------
    RobustFit

    Raises
    ------
    ValueError
        Bad input; patterns of other points; a radius that no pattern survives (it says which would).

    Warns
    -----
    ConvergenceWarning
        The gap is above ``tol``: see ``converged``.

    Notes
    -----
    An iteration costs :math:`O(P^2nd^2 + (Pd)^3)`. Every block of the solver needs a point strictly inside its robust
    cone, a robust margin t* above 1 (a number without a unit: see :func:`robust_margins`). A pattern below 1 is
    screened if no block along the columns that stay is feasible: its blocks are provably zero. What is left (t* = 1, or a block
    along such columns at any margin) is kept as an edge case: its blocks stay zero in the result, and the lower bound
    accounts for any value they could take.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> patterns = Patterns([[0, 1], [0, 1], [1, 1]], [[1.0, 0.0], [-0.7, 1.0]])
    >>> f = fit_robust(X, [-1, -1, 1], patterns, beta=1e-3, radius=0.1, bias=1)
    >>> f.converged, bool(f.worst_loss < 0.01), bool(f.lower_bound <= f.objective)
    (True, True, True)
    """
    return _train("convex.fit_robust", X, y, patterns, beta, radius, bias, loss, tol, iterations)


def _train(function, X, y, patterns, beta, radius, bias, loss, tol, iterations):
    X, y, beta = _data(X, y, beta, loss)
    e = box(X, radius, bias=bias)
    tol = checks.number(tol, "tol", above=0.0)
    iterations = checks.integer(iterations, "iterations", at_least=1)
    if not isinstance(patterns, Patterns):
        raise ValueError(f"patterns = {type(patterns).__name__} must be a convex.Patterns")
    if patterns.active.shape[0] != len(X) or patterns.gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"patterns are of {patterns.active.shape[0]} points in dimension {patterns.gates.shape[0]}; X has shape {X.shape}"
        )
    clock = time.perf_counter()
    moved, used = e, (X != 0).any(axis=0)  # a column of zeros only costs: its weights are 0
    if used.any():
        X, e = X[:, used], e[used]
    else:
        used[:] = True
    inner, state, ratio = _interiors(X, Patterns(patterns.active, patterns.gates[used]), e)
    passes, edge = state > 0, state == 0
    if not passes.any():
        raise ValueError(_none_left(patterns.count, edge, ratio))
    with blas.single_thread():
        solver = _Solver(X, y, e, patterns.active.T[passes], patterns.active.T[edge], beta, loss)
        found = solver.run(inner[:, passes].T, tol, iterations, clock)
    P, d = patterns.count, len(used)
    v, w = np.zeros((d, P)), np.zeros((d, P))
    half = passes.sum()
    U, moves = np.zeros((2 * half, d)), np.zeros((len(X), d))
    U[:, used], moves[:, used] = found["U"], found["adversary"]
    v[:, passes], w[:, passes] = U[:half].T, U[half:].T
    units = U.any(axis=1)
    net = nets.ReLUSum(np.zeros((1, d)), [1])
    if units.any():
        net = nets.ReLUSum(U[units], np.repeat([1.0, -1.0], half)[units])
    objective, lower = found["objective"], found["lower"]
    gap = relative_gap(objective, lower, loss, y)
    if not gap <= tol:
        remedy = "raise iterations or tol"
        if edge.any():
            remedy = f"{int(edge.sum())} of the cones have no inner point and get no block: drop them or shrink radius"
        reached = f"gap {gap:.2g} after {len(solver.history['seconds'])} iterations"
        checks.warn_unconverged(function, reached, f"gap = {tol:.2g}", f"{remedy}; the bracket is valid", stacklevel=4)
    return RobustFit(
        objective=objective,
        lower_bound=lower,
        gap=gap,
        converged=bool(gap <= tol),
        v=v,
        w=w,
        patterns=patterns,
        loss=loss,
        beta=beta,
        dual=found["dual"],
        net=net,
        history={name: np.array(values) for name, values in solver.history.items()},
        method="robust interior point",
        radius=moved,
        worst_loss=found["loss"],
        screened=~(passes | edge),
        adversary=moves,
    )


def robust_linear(X, y, *, beta, radius, bias=None, loss="hinge", tol=1e-3, iterations=100):
    """Train with the single pattern "every unit sees every point": the control that any net has to beat.

    On the box around the training points the result is a linear model. It is not ridge regression: it pays
    beta (|v| + |w|) for q = v - w, and both v and w have to be positive on every box.

    Parameters
    ----------
    X, y, beta, radius, bias, loss, tol, iterations
        See :func:`fit_robust`; some unit has to see all points, as a bias of ones does.

    Returns
    -------
    RobustFit

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]])
    >>> robust_linear(X, [-1, -1, 1], beta=1e-3, radius=0.1, bias=1).worst_loss < 0.01
    True
    """
    X = checks.array(X, "X", shape=("n", "d"))
    e = box(X, radius, bias=bias)
    margin, gate = robust_margin(X, np.ones(len(X), dtype=bool), e)
    if not margin > 1.0:
        raise ValueError(
            f"no unit sees every box of radius = {radius}: their robust margin is {margin:.3g}, not above 1; "
            "append a column of ones and name it as bias, or shrink radius"
        )
    all_on = Patterns(np.ones((len(X), 1)), gate[:, None])
    return _train("convex.robust_linear", X, y, all_on, beta, radius, bias, loss, tol, iterations)


def worst_case_loss(net, X, y, *, radius, bias=None, loss="hinge"):
    """Bracket the worst loss of any :class:`~robustnn_core.nets.ReLUSum` when every point moves inside its box.

    A unit that keeps its sign over a point's box is linear there. One that does not is replaced by the best line
    above it or a line below it, whichever side hurts: the bound is certified, and exact if there is no such unit.

    Parameters
    ----------
    net : nets.ReLUSum
    X, y, radius, bias, loss
        See :func:`fit_robust`; the points need not be training points.

    Returns
    -------
    WorstCase

    Examples
    --------
    >>> net = nets.ReLUSum([[1.0, 0.0]], [1])
    >>> bracket = worst_case_loss(net, [[1.0, 1.0], [2.0, 1.0]], [1, 1], radius=0.25, bias=1)
    >>> bracket.loss, bracket.reached, bracket.exact
    (0.125, 0.125, True)
    """
    if not isinstance(net, nets.ReLUSum):
        raise ValueError(f"net = {type(net).__name__} must be a nets.ReLUSum")
    X, y, _ = _data(X, y, 1.0, loss)
    e = box(X, radius, bias=bias)
    if net.weights.shape[1] != X.shape[1]:
        raise ValueError(f"net has units in dimension {net.weights.shape[1]}, X has {X.shape[1]} columns")
    Z = blas.product(X, net.weights.T)
    reach = blas.product(np.abs(net.weights), e)
    exact = bool((np.abs(Z) >= reach).all())
    low, high = Z - reach, Z + reach
    crossing = (low < 0) & (high > 0)
    chord = np.divide(high, high - low, out=np.zeros_like(Z), where=crossing)
    chord_shift = np.where(crossing, -chord * low, 0.0)
    line = np.where(crossing, high > -low, Z > 0).astype(np.float64)

    def below(sides):
        """A lower bound of sides * f and the move that reaches it if every unit is linear."""
        up = sides[:, None] * net.signs > 0  # units whose smallest value hurts
        slope = np.where(up | ~crossing, line, chord)
        shift = np.where(up, 0.0, chord_shift)
        q = blas.product(sides[:, None] * net.signs * slope, net.weights)
        value = (X * q).sum(axis=1) + (sides[:, None] * net.signs * shift).sum(axis=1) - blas.product(np.abs(q), e)
        return value, -e * np.sign(q)

    if loss != "squared":
        margins, moves = below(y)
        return WorstCase(_mean_loss(margins, loss), _mean_loss(y * net.predict(X + moves), loss), exact, margins, moves)
    least, down = below(np.ones(len(y)))
    most, up = below(-np.ones(len(y)))
    margins = np.maximum(y - least, -most - y)
    reached = np.stack([np.abs(net.predict(X + down) - y), np.abs(net.predict(X + up) - y)])
    moves = np.where((reached[0] >= reached[1])[:, None], down, up)
    return WorstCase(
        float(0.5 * margins @ margins), float(0.5 * (reached.max(axis=0) ** 2).sum()), exact, margins, moves
    )


def _data(X, y, beta, loss):
    X = checks.array(X, "X", shape=("n", "d"))
    checks.choice(loss, "loss", LOSSES)
    y = checks.array(y, "y", shape=(len(X),)) if loss == "squared" else checks.signs(y, "y", length=len(X))
    return X, y, checks.number(beta, "beta", above=0.0)


def _mean_loss(margins, loss):
    values = np.maximum(1.0 - margins, 0.0) if loss == "hinge" else np.logaddexp(0.0, -margins)
    return float(values.mean())


def _robust_loss(U, X, y, e, active, loss):
    """Of blocks U (2P, d), the first P positive: the loss in closed form."""
    half = len(U) // 2
    Q = active.T @ (U[:half] - U[half:])
    margins, spread = (X * Q).sum(axis=1), np.abs(Q) @ e
    if loss == "squared":
        return float(0.5 * ((np.abs(margins - y) + spread) ** 2).sum())
    return _mean_loss(y * margins - spread, loss)


def _interiors(X, patterns, e):
    """A unit vector inside each robust cone (d, P), its state (1: strictly inside, 0: an edge case, -1: no block), t*.

    The state is decided on t* alone. Where the gate itself is well inside its t* is not computed, but its own margin.
    """
    P, d = patterns.count, X.shape[1]
    inner, state, ratio = np.zeros((d, P)), np.zeros(P), np.zeros(P)
    size = np.linalg.norm(X, axis=1)
    for i in range(P):
        sign, gate = np.where(patterns.active[:, i], 1.0, -1.0), patterns.gates[:, i]
        score, spread = sign * (X @ gate), e @ np.abs(gate)
        least, length = score.min(), np.linalg.norm(gate)
        if least < -1e-9 * (np.abs(X) @ np.abs(gate)).max():
            raise ValueError(
                f"patterns.gates[:, {i}] does not make the pattern patterns.active[:, {i}] of X; give patterns of these points"
            )
        if least > 1e-2 * length * size.mean() and spread < 0.8 * least:
            inner[:, i], state[i], ratio[i] = gate / length, 1, least / spread if spread > 0 else np.inf
            continue
        ratio[i], deep = robust_margin(X, patterns.active[:, i], e)
        if ratio[i] > 1.0 + STRICT:
            inner[:, i], state[i] = deep / np.linalg.norm(deep), 1
        elif ratio[i] < 1.0 - STRICT and not flat_block(X, patterns.active[:, i], e):
            state[i] = -1
    return inner, state, ratio


def _none_left(count, edge, ratio):
    """Why there is no block to train, and what would help."""
    best, i = ratio.max(), int(ratio.argmax())
    largest = (
        f"below the scale {best:.3g} of this radius pattern {i} has one" if best > 0 else "no radius > 0 leaves one"
    )
    if edge.any():
        return (
            f"radius leaves none of the {count} patterns a point strictly inside its robust cone ({int(edge.sum())} lie "
            f"on the edge: robust margin 1, or a block along columns that do not move); {largest}. "
            "Shrink radius or sample more patterns"
        )
    advice = "Sample more patterns or shrink radius"
    return f"radius leaves none of the {count} patterns: every block is 0; {largest}. {advice}"


class _Solver:
    """The interior point method: blocks u_b (v first, then w), t_b >= |u_b|, R_bj >= |e_j u_bj|, S_kj >= |e_j q_kj|.

    Z_k is one more variable a point: its loss is that of Z_k >= its residual. Every slack s comes with a multiplier z, the pair
    (t_b, u_b) with (tau_b, w_b) in the same cone; Nesterov-Todd scaling, predictor and corrector.
    """

    def __init__(self, X, y, e, active, edge, beta, loss):
        self.X, self.y, self.beta, self.loss = X, y, beta, loss
        self.J = np.flatnonzero(e > 0)
        self.e, self.full = e[self.J], e
        self.D = active.astype(np.float64)  # (P, n)
        self.edge = edge.astype(np.float64)
        self.E = np.concatenate([2 * self.D - 1] * 2)  # (2P, n)
        self.n, self.d = X.shape
        self.P = len(self.D)
        self.sigma = np.repeat([1.0, -1.0], self.P)
        self.history = {"seconds": [], "objective": [], "lower_bound": []}

    def q_of(self, U):
        return self.D.T @ (U[: self.P] - U[self.P :])

    def to_blocks(self, G):
        """sum_k sigma_b d_bk G_k: (2P, d) from (n, d)."""
        H = self.D @ G
        return np.concatenate([H, -H])

    def slacks(self, x):
        U, T, R, S, Z = x
        e, J = self.e, self.J
        q = self.q_of(U)
        m = (self.X * q).sum(axis=1)
        sums = S.sum(axis=1)
        s = [
            R - e * U[:, J],
            R + e * U[:, J],
            self.E * (U @ self.X.T) - R.sum(axis=1)[:, None],
            S - e * q[:, J],
            S + e * q[:, J],
        ]
        if self.loss == "hinge":
            s += [Z - 1 + self.y * m - sums, Z.copy()]
        elif self.loss == "squared":
            s += [Z - (m - self.y) - sums, Z + (m - self.y) - sums]
        else:
            s += [Z + self.y * m - sums]
        return s

    def rows(self, dU, dR, dS, dZ):
        """How the slacks move: their linear part."""
        e, J = self.e, self.J
        dq = self.q_of(dU)
        dm = (self.X * dq).sum(axis=1)
        sums = dS.sum(axis=1)
        s = [
            dR - e * dU[:, J],
            dR + e * dU[:, J],
            self.E * (dU @ self.X.T) - dR.sum(axis=1)[:, None],
            dS - e * dq[:, J],
            dS + e * dq[:, J],
        ]
        if self.loss == "hinge":
            s += [dZ + self.y * dm - sums, dZ]
        elif self.loss == "squared":
            s += [dZ - dm - sums, dZ + dm - sums]
        else:
            s += [dZ + self.y * dm - sums]
        return s

    def forces(self, z):
        """What the multipliers pull at: (q (n, d), U, R, S, Z) of G^T z."""
        e, J = self.e, self.J
        gq = np.zeros((self.n, self.d))
        gq[:, J] = e * (z[4] - z[3])
        if self.loss == "hinge":
            gq += (self.y * z[5])[:, None] * self.X
            total, gZ = z[5], z[5] + z[6]
        elif self.loss == "squared":
            gq += (z[6] - z[5])[:, None] * self.X
            total, gZ = z[5] + z[6], z[5] + z[6]
        else:
            gq += (self.y * z[5])[:, None] * self.X
            total = gZ = z[5]
        gU = (self.E * z[2]) @ self.X
        gU[:, J] += e * (z[1] - z[0])
        gR = z[0] + z[1] - z[2].sum(axis=1)[:, None]
        gS = z[3] + z[4] - total[:, None]
        return gq, gU + self.to_blocks(gq), gR, gS, gZ

    def slope(self, Z):
        """First and second derivative of the loss of Z."""
        if self.loss == "hinge":
            return np.full(self.n, 1.0 / self.n), None
        if self.loss == "squared":
            return Z, np.ones(self.n)
        p = 1.0 / (1.0 + np.exp(-np.clip(Z, -500, 500)))
        return p / self.n, np.maximum(p * (1 - p), 1e-12) / self.n

    def bound(self, z):
        """Certified lower bound from any multipliers: the adversary's weights, clipped and scaled into the dual."""
        X, y, e, J, n = self.X, self.y, self.e, self.J, self.n
        pull = np.zeros((n, self.d))
        if self.loss == "squared":
            lam = z[6] - z[5]
            size = np.maximum(z[5] + z[6], np.abs(lam))
            lam = -lam
        else:
            size = np.clip(z[5], 0.0, 1.0 / n)
            lam = -y * size
        pull[:, J] = np.clip(z[3] - z[4], -size[:, None], size[:, None])
        G = lam[:, None] * X + pull * self.full
        g = self.to_blocks(G)
        mu = (self.E * z[2]) @ X
        mu[:, J] += e * np.clip(z[1] - z[0], -z[2].sum(axis=1)[:, None], z[2].sum(axis=1)[:, None])
        h = np.sqrt(((g - mu) ** 2).sum(axis=1)).max()
        if len(self.edge):
            h = max(h, np.sqrt(((self.edge @ G) ** 2).sum(axis=1)).max())
        top = self.beta / (h * (1 + 1e-12)) if h > 0 else np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.loss == "squared":
                square = size @ size
                theta = min(top, max(0.0, -lam @ y / square)) if square > 0 else 0.0
                value = -theta * (lam @ y) - 0.5 * theta**2 * square
            elif self.loss == "hinge":
                theta = min(1.0, top)
                value = theta * size.sum()
            else:
                theta = min(1.0, top)
                p = theta * n * size
                value = -np.mean(np.where(p > 0, p * np.log(p), 0.0) + np.where(p < 1, (1 - p) * np.log1p(-p), 0.0))
            # G_k = lam_k (x_k + move_k) up to the sign of the loss's slope
            turn = np.where(lam < 0, -1.0, 1.0)
            moves = np.where(size[:, None] > 0, turn[:, None] * pull / size[:, None], 0.0) * self.full
        return float(value), -theta * lam, moves

    def value(self, U):
        """The objective, and whether the point is feasible to the last bit."""
        fits = (self.E * (U @ self.X.T)).min(axis=1) >= np.abs(U) @ self.full
        loss = _robust_loss(U, self.X, self.y, self.full, self.D, self.loss)
        return loss + self.beta * np.sqrt((U**2).sum(axis=1)).sum(), loss, bool(fits.all())

    def start(self, inner):
        n, P2, J = self.n, 2 * self.P, len(self.J)
        mu = 0.5 / n if self.loss != "squared" else max(1e-12, 0.25 * np.mean(self.y**2))
        size = max(J, 1)
        c = mu / self.beta
        if self.loss != "squared":
            c = min(c, 10.0 / np.abs(self.X).max())
        U = c * np.concatenate([inner, inner])
        room = (self.E * (U @ self.X.T)).min(axis=1) - np.abs(U) @ self.full
        R = self.e * np.abs(U[:, self.J]) + 0.5 * room[:, None] / size
        scale = 1.0 if self.loss != "squared" else np.sqrt(np.mean(self.y**2)) + 1e-6
        S = np.full((n, J), 0.5 * scale / size)
        Z = S.sum(axis=1) + (np.abs(self.y) + scale if self.loss == "squared" else 2.0)
        T = 1.5 * np.sqrt((U**2).sum(axis=1)) + 1e-12
        return [U, T, R, S, Z], mu

    def run(self, inner, tol, iterations, clock):
        x, mu = self.start(inner)
        s = self.slacks(x)
        z = [mu / part for part in s]
        w = -self.forces(z)[1]
        tau = np.maximum(self.beta, 1.5 * np.sqrt((w**2).sum(axis=1)))
        best = {"objective": np.inf, "lower": -np.inf}
        nothing = np.zeros_like(x[0])
        value, loss, _ = self.value(nothing)
        best.update(objective=value, loss=loss, U=nothing, dual=np.zeros(self.n), adversary=np.zeros((self.n, self.d)))
        count = sum(part.size for part in s) + 2 * self.P
        for _ in range(iterations):
            value, loss, fits = self.value(x[0])
            if fits and value < best["objective"]:
                best.update(objective=value, loss=loss, U=x[0].copy())
            lower, dual, moves = self.bound(z)
            if lower > best["lower"]:
                best.update(lower=below(lower, best["objective"]), dual=dual, adversary=moves)
            self.history["seconds"].append(time.perf_counter() - clock)
            self.history["objective"].append(best["objective"])
            self.history["lower_bound"].append(best["lower"])
            if best["objective"] - best["lower"] <= 0.9 * tol * abs(best["objective"]):
                break
            try:
                step = _Step(self, x, s, z, w, tau)
                zero = [np.zeros_like(part) for part in s]
                target = [-si * zi for si, zi in zip(s, z)]
                l0, l1 = step.l0, step.l1
                affine = step.solve(target, -(l0**2 + (l1**2).sum(axis=1)), -2 * l0[:, None] * l1)
                length = self.longest(x, s, z, w, tau, affine)
                now = sum((si * zi).sum() for si, zi in zip(s, z)) + (x[1] * tau).sum() + (x[0] * w).sum()
                after = sum(
                    ((si + length * di) * (zi + length * ei)).sum()
                    for si, zi, di, ei in zip(s, z, affine["s"], affine["z"])
                )
                after += ((x[1] + length * affine["T"]) * (tau + length * affine["tau"])).sum()
                after += ((x[0] + length * affine["U"]) * (w + length * affine["w"])).sum()
                sigma = min(1.0, max(after / now, 1e-4)) ** 3
                mu = now / count
                A0, A1 = step.back(affine["T"], affine["U"])
                B0, B1 = step.forth(affine["tau"], affine["w"])
                k0, k1 = A0 * B0 + (A1 * B1).sum(axis=1), A0[:, None] * B1 + B0[:, None] * A1
                damp = min(1.0, 2 * length)  # a predictor that hardly moves says little of the curvature
                target = [
                    sigma * mu - si * zi - damp * di * ei for si, zi, di, ei in zip(s, z, affine["s"], affine["z"])
                ]
                del zero
                move = step.solve(
                    target, sigma * mu - (l0**2 + (l1**2).sum(axis=1)) - damp * k0, -2 * l0[:, None] * l1 - damp * k1
                )
            except np.linalg.LinAlgError:
                break
            length = self.longest(x, s, z, w, tau, move)
            length = min(1.0, 0.98 * length)
            if not length > 1e-9:
                break
            for _ in range(60):
                trial = [part + length * move[name] for part, name in zip(x, "UTRSZ")]
                fresh = self.slacks(trial)
                if all((part > 0).all() for part in fresh):
                    break
                length *= 0.8
            else:
                break
            x, s = trial, fresh
            z = [part + length * step_ for part, step_ in zip(z, move["z"])]
            tau = tau + length * move["tau"]
            w = w + length * move["w"]
        return self.pruned(best, w)

    def pruned(self, best, w):
        """Without the blocks that the dual holds strictly below beta, if that is no worse."""
        U = best["U"].copy()
        U[np.sqrt((w**2).sum(axis=1)) < 0.99 * self.beta] = 0.0
        value, loss, fits = self.value(U)
        if fits and value <= best["objective"]:
            best.update(objective=value, loss=loss, U=U)
        best["lower"] = min(best["lower"], best["objective"])
        return best

    def longest(self, x, s, z, w, tau, move):
        length = 1.0 / 0.98
        for part, change in [*zip(s, move["s"]), *zip(z, move["z"])]:
            if part.size:
                worst = (change / part).min()
                if worst < 0:
                    length = min(length, -1.0 / worst)
        length = min(length, _cone_step(x[1], x[0], move["T"], move["U"]), _cone_step(tau, w, move["tau"], move["w"]))
        return length


def _cone_step(t, u, dt, du):
    """Largest step that keeps every (t, u) in its cone."""
    a = dt**2 - (du**2).sum(axis=1)
    b = t * dt - (u * du).sum(axis=1)
    size = np.sqrt((u**2).sum(axis=1))
    c = (t - size) * (t + size)
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    # the smallest positive root of c + 2 b h + a h^2, in the form without cancellation
    with np.errstate(divide="ignore", invalid="ignore"):
        h = np.where((a < 0) | ((b < 0) & (b**2 >= a * c)), c / (root - b), np.inf)
        h = np.where(h > 0, h, np.inf)
        h = np.minimum(h, np.where(dt < 0, -t / dt, np.inf))
    return float(h.min())


class _Step:
    """One iterate's linear system, factorised once and solved for predictor and corrector."""

    def __init__(self, solver, x, s, z, w, tau):
        o = self.o = solver
        self.s, self.z, self.w, self.tau, self.x = s, z, w, tau, x
        self.gain, self.wZ = o.slope(x[4])
        U, T = x[0], x[1]
        # scaling of the second-order cones
        nu, nw = np.sqrt((U**2).sum(axis=1)), np.sqrt((w**2).sum(axis=1))
        self.room = (tau - nw).min()
        if not (self.room > 0 and (T > nu).all()):
            raise np.linalg.LinAlgError("a cone has no room left in floating point")
        dq, dx = np.sqrt((T - nu) * (T + nu)), np.sqrt((tau - nw) * (tau + nw))
        self.eta = np.sqrt(dq / dx)
        qbar0, qbar1, xbar0, xbar1 = T / dq, U / dq[:, None], tau / dx, w / dx[:, None]
        gamma = np.sqrt((1 + qbar0 * xbar0 + (qbar1 * xbar1).sum(axis=1)) / 2)
        self.n1 = (qbar1 - xbar1) / (2 * gamma)[:, None]
        self.n0 = np.sqrt(1 + (self.n1**2).sum(axis=1))
        self.scale = 1 / self.eta**2
        self.k = 2 * self.n0**2 - 1
        self.l0, self.l1 = self.forth(tau, w)
        # weights of the rows, and what is left of them when R, S and Z are eliminated
        om = [zi / si for zi, si in zip(z, s)]
        e, J, n, d, P = o.e, o.J, o.n, o.d, o.P
        self.om = om
        self.DR = om[0] + om[1]
        self.cR = e * (om[1] - om[0]) / self.DR
        self.hR = 4 * e**2 * om[0] * om[1] / self.DR
        self.tauR = (1 / self.DR).sum(axis=1)
        self.DS = om[3] + om[4]
        self.cS = e * (om[4] - om[3]) / self.DS
        self.hS = 4 * e**2 * om[3] * om[4] / self.DS
        tauS = (1 / self.DS).sum(axis=1)
        self.extra = np.zeros(n)
        if o.loss == "hinge":
            self.wZ = om[6]
            self.gamma = 1 / (1 / om[5] + 1 / om[6] + tauS)
            tilt = o.y
        elif o.loss == "squared":
            both = om[5] + om[6]
            tilt = (om[6] - om[5]) / both
            self.extra = 4 * om[5] * om[6] / both
            self.gamma = 1 / (1 / both + 1 + tauS)
        else:
            self.gamma = 1 / (1 / om[5] + 1 / self.wZ + tauS)
            tilt = o.y
        self.A = tilt[:, None] * o.X
        self.A[:, J] += self.cS
        self.total = om[2].sum(axis=1)
        self.mean = ((om[2] * o.E) @ o.X) / self.total[:, None]
        self.tilted = self.mean.copy()
        self.tilted[:, J] += self.cR
        self.soft = self.total / (1 + self.total * self.tauR)
        C = np.sqrt(om[2])[:, :, None] * (o.E[:, :, None] * o.X - self.mean[:, None, :])
        H = C.transpose(0, 2, 1) @ C + self.soft[:, None, None] * (self.tilted[:, :, None] * self.tilted[:, None, :])
        # the cone, split along and across n1: the difference of the two would cancel
        ray = self.n1 / np.maximum(np.sqrt((self.n1**2).sum(axis=1)), 1e-300)[:, None]
        across = np.eye(d) - ray[:, :, None] * ray[:, None, :]
        H += self.scale[:, None, None] * (across + (ray / self.k[:, None])[:, :, None] * ray[:, None, :])
        H[:, J, J] += self.hR
        self.H = H
        # the lower half of sum_k (d_ik d_jk) (gamma A_k A_k^T + ...), by one symmetric product
        rows = [np.sqrt(self.gamma)[:, None] * self.A]
        if o.loss == "squared":
            rows.append(np.sqrt(self.extra)[:, None] * o.X)
        F = np.concatenate([(o.D.T[:, :, None] * part[:, None, :]).reshape(n, P * d) for part in rows])
        whole = linalg.blas.dsyrk(1.0, F.T, lower=1)  # Fortran order
        both = np.einsum("ik,jk,kc->ijc", o.D, o.D, self.hS, optimize=True)
        i, j, c = np.ogrid[:P, :P, : len(J)]
        whole[i * d + J[c], j * d + J[c]] += both
        self.M, self.whole = whole, None
        # (H_v^-1 + H_w^-1)^-1 = H_v (H_v + H_w)^-1 H_w
        self.both = np.linalg.inv(np.linalg.cholesky(H[:P] + H[P:]))
        parallel = H[:P] @ (self.both.transpose(0, 2, 1) @ (self.both @ H[P:]))
        whole = whole.copy(order="F")
        for b in range(P):
            whole[b * d : (b + 1) * d, b * d : (b + 1) * d] += 0.5 * (parallel[b] + parallel[b].T)
        whole[np.arange(P * d), np.arange(P * d)] *= 1 + 1e-14
        self.system = linalg.cho_factor(whole, lower=True, overwrite_a=True, check_finite=False)

    def forth(self, a0, a1):
        """W (a0, a1)."""
        inner = (self.n1 * a1).sum(axis=1)
        return self.eta * (self.n0 * a0 + inner), self.eta[:, None] * (
            a1 + self.n1 * (a0 + inner / (1 + self.n0))[:, None]
        )

    def back(self, a0, a1):
        """W^-1 (a0, a1)."""
        inner = (self.n1 * a1).sum(axis=1)
        return (self.n0 * a0 - inner) / self.eta, (a1 + self.n1 * (inner / (1 + self.n0) - a0)[:, None]) / self.eta[
            :, None
        ]

    def meeting(self, dU):
        """B^T M B dU: what the blocks feel through the loss."""
        o = self.o
        dq = o.q_of(dU)
        g = (self.gamma * (self.A * dq).sum(axis=1))[:, None] * self.A + (self.extra * (o.X * dq).sum(axis=1))[
            :, None
        ] * o.X
        g[:, o.J] += self.hS * dq[:, o.J]
        return o.to_blocks(g)

    def apply(self, dU):
        return np.einsum("bij,bj->bi", self.H, dU) + self.meeting(dU)

    def reduced(self, g):
        """Solve (H + B^T M B) dU = g through the system of V - W: nothing is divided by the flat directions of one H."""
        P, H = self.o.P, self.H
        # with S = H_v + H_w and c = dv - dw: (H_v S^-1 H_w + M) c = H_w S^-1 g_v - H_v S^-1 g_w, S dv = g_v + g_w + H_w c
        right = self.over(g)
        right = np.einsum("bij,bj->bi", H[P:], right[:P]) - np.einsum("bij,bj->bi", H[:P], right[P:])
        dc = linalg.cho_solve(self.system, right.ravel(), check_finite=False).reshape(P, -1)
        both = g[:P] + g[P:]
        v, w = both + np.einsum("bij,bj->bi", H[P:], dc), both - np.einsum("bij,bj->bi", H[:P], dc)
        return self.over(np.concatenate([v, w]))

    def over(self, g):
        """S^-1 g, for both halves of g."""
        halves = g.reshape(2, self.o.P, -1)
        return np.einsum("bji,hbj->hbi", self.both, np.einsum("bij,hbj->hbi", self.both, halves)).reshape(g.shape)

    def direct(self, g):
        """The same by one factor of twice the size, scaled to a unit diagonal: for the last digits."""
        if self.whole is None:
            P, d = self.o.P, self.o.d
            M = np.tril(self.M) + np.tril(self.M, -1).T
            K = np.block([[M, -M], [-M, M]])
            for b in range(2 * P):
                K[b * d : (b + 1) * d, b * d : (b + 1) * d] += self.H[b]
            unit = 1 / np.sqrt(K.diagonal())
            K *= np.multiply.outer(unit, unit)
            K[np.arange(len(K)), np.arange(len(K))] += 1e-13
            self.whole = unit, linalg.cho_factor(K, lower=True, overwrite_a=True, check_finite=False)
        unit, factor = self.whole
        return (unit * linalg.cho_solve(factor, unit * g.ravel(), check_finite=False)).reshape(g.shape)

    def newton(self, g):
        """Solve for the blocks: (H + B^T M B) dU = g, refined."""
        size = np.abs(g).max()
        fine = max(1e-15 * size, 1e-3 * self.room)  # an error that no dual cone notices
        best, least = None, np.inf
        for route, rounds in ((self.reduced, 8), (self.direct, 8)):
            if route == self.reduced and self.whole is not None:
                continue
            dU, rest, way, old = np.zeros_like(g), g, None, 1.0
            for _ in range(rounds):  # conjugate gradients with the factor as preconditioner
                pulled = route(rest)
                now = (rest * pulled).sum()
                way = pulled if way is None else pulled + (now / old) * way
                bent = self.apply(way)
                curved = (way * bent).sum()
                if not (now > 0 and curved > 0):
                    break
                dU, old = dU + (now / curved) * way, now
                rest = g - self.apply(dU)
                left = np.abs(rest).max()
                if left < least:
                    best, least = dU, left
                if least <= fine or left > 100 * least:
                    break
            if least <= max(1e-9 * size, fine):
                break
        if best is None or not np.isfinite(best).all():
            raise np.linalg.LinAlgError("the direction is not finite")
        return best

    def solve(self, p, q0, q1):
        """The direction for the right-hand sides p of the rows and (q0, q1) of the cones."""
        o, J = self.o, self.o.J
        l0, l1 = self.l0, self.l1
        xi0 = (l0 * q0 - (l1 * q1).sum(axis=1)) / (l0**2 - (l1**2).sum(axis=1))
        xi1 = (q1 - l1 * xi0[:, None]) / l0[:, None]
        c0, c1 = self.back(xi0, xi1)
        dtau = o.beta - self.tau
        c0 = c0 - dtau
        pulled = [
            zi + pi / si for zi, pi, si in zip(self.z, p, self.s)
        ]  # the residual's multipliers and the right-hand side
        gq, gU, bR, bS, gZ = o.forces(pulled)
        bZ = gZ - self.gain
        # b_U: the residual -(-forces - w), the cones, and what S, Z and R pass on
        b = gU + self.w + c1 + (2 * self.n0 * c0 / self.k)[:, None] * self.n1
        fS = -(bS / self.DS).sum(axis=1) + bZ / self.wZ
        bq = -(self.gamma * fS)[:, None] * self.A
        bq[:, J] -= bS * self.cS
        fR = -(bR / self.DR).sum(axis=1)
        b = b + o.to_blocks(bq) - (fR * self.soft)[:, None] * self.tilted
        b[:, J] -= bR * self.cR
        dU = self.newton(b)
        dq = o.q_of(dU)
        force = self.gamma * ((self.A * dq).sum(axis=1) + fS)
        dS = (bS + force[:, None]) / self.DS - self.cS * dq[:, J]
        dZ = (bZ - force) / self.wZ
        pull = self.soft * ((self.tilted * dU).sum(axis=1) + fR)
        dR = (bR + pull[:, None]) / self.DR - self.cR * dU[:, J]
        ds = o.rows(dU, dR, dS, dZ)
        dz = [(pi - zi * di) / si for pi, zi, di, si in zip(p, self.z, ds, self.s)]
        dT = (c0 / self.scale + 2 * self.n0 * (self.n1 * dU).sum(axis=1)) / self.k
        dw = -self.w - o.forces([zi + di for zi, di in zip(self.z, dz)])[1]
        return {"U": dU, "T": dT, "R": dR, "S": dS, "Z": dZ, "s": ds, "z": dz, "w": dw, "tau": dtau}
