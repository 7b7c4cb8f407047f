"""Branch and bound on the signs of the opposing units of a net, over the box or ball of one point."""

import heapq
import math

import numpy as np
from scipy.optimize import linprog, minimize

from robustnn_core.convex._moves import length, steepest
from robustnn_core.convex.rounding import roundoff


def done(low, reached, tol, decide):
    return reached - low <= tol or (decide is not None and (low > decide or reached <= decide))


class Tree:
    """Branch and bound at one point. A node is a dict: opposing unstable unit -> the sign it is given."""

    def __init__(self, x, U, a, e, norm, low, high):
        crossing = (low < 0.0) & (high > 0.0)
        self.x, self.U, self.a, self.e, self.norm = x, U, a, e, norm
        self.agree, self.oppose = np.flatnonzero(crossing & (a > 0)), np.flatnonzero(crossing & (a < 0))
        self.chord = np.zeros(len(a))
        self.chord[self.oppose] = high[self.oppose] / (high - low)[self.oppose]
        self.shift = np.where(self.chord > 0.0, -self.chord * low, 0.0)
        self.slope = np.where(crossing, self.chord, low >= 0.0)
        self.Ue = U * e
        self.z = U @ x
        self.sizes = np.abs(U) @ (np.abs(x) + e)

    def value(self, move):
        return float(np.maximum(self.U @ (self.x + move), 0.0) @ self.a)

    def node(self, signs):
        """q, constant and branch rows (towards >= 0) of a node."""
        slope, shift = self.slope.copy(), self.shift.copy()
        for i, sign in signs.items():
            slope[i], shift[i] = float(sign > 0), 0.0
        rows = np.array(list(signs), dtype=int)
        return (self.a * slope) @ self.U, float(self.a @ shift), rows, np.array(list(signs.values()), dtype=float)

    def closed(self, q, constant, rows, sign, alpha, mu):
        """The bound of lines alpha below the agreeing units and multipliers mu of the branch, and its steepest move."""
        q = q + (self.a[self.agree] * alpha) @ self.U[self.agree] - (mu * sign) @ self.U[rows]
        slack = roundoff(self.U.size, float(self.sizes.sum() + mu @ self.sizes[rows]))
        return float(q @ self.x) + constant - float(length(q, self.e, self.norm)) - slack, q

    def relaxed(self, signs):
        """(bound, move) of a node; (inf, None) if no move has these signs."""
        node = self.node(signs)
        if self.norm == "linf":
            return self.program(*node, np.zeros((0, np.count_nonzero(self.e))))
        bound, move = self.dual_ball(*node)
        short = math.inf if self.outside(move, signs) else self.relaxed_value(move, *node[:2]) - bound
        if short > 1e-8 * (1.0 + abs(bound)):  # the dual has a kink where the best move is inside the ball
            return self.cut_ball(node, bound, move)
        return bound, move

    def relaxed_value(self, move, q, constant):
        """The relaxation at a move."""
        z = np.maximum(self.U[self.agree] @ (self.x + move), 0.0)
        return float(q @ (self.x + move)) + constant + float(self.a[self.agree] @ z)

    def outside(self, move, signs):
        z = self.U @ (self.x + move)
        return any(sign * z[i] < -1e-9 for i, sign in signs.items())

    def program(self, q, constant, rows, sign, cuts):
        """The linear program over the box, with cuts n.xi <= 1."""
        J, g, b = np.flatnonzero(self.e), len(self.agree), len(rows)
        cost = np.concatenate([q[J] * self.e[J], self.a[self.agree]])
        A = np.zeros((g + b + len(cuts), len(cost)))
        A[:g, : len(J)], A[np.arange(g), len(J) + np.arange(g)] = self.Ue[self.agree][:, J], -1.0
        A[g : g + b, : len(J)] = -sign[:, None] * self.Ue[rows][:, J]
        A[g + b :, : len(J)] = cuts
        right = np.concatenate([-self.z[self.agree], sign * self.z[rows], np.ones(len(cuts))])
        limits = [(-1.0, 1.0)] * len(J) + [(0.0, None)] * g
        given = {"A_ub": A, "b_ub": right} if len(A) else {}
        found = linprog(cost, bounds=limits, method="highs", **given)
        if found.status == 2:
            return np.inf, None
        if found.status != 0:
            raise RuntimeError(f"the linear program of a bound failed: {found.message}")
        prices = -found.ineqlin.marginals if len(A) else np.zeros(0)
        alpha = np.clip(prices[:g] / self.a[self.agree], 0.0, 1.0)
        bound, _ = self.closed(q, constant, rows, sign, alpha, np.maximum(prices[g : g + b], 0.0))
        move = np.zeros(len(self.e))
        move[J] = self.e[J] * np.clip(found.x[: len(J)], -1.0, 1.0)
        return bound, move

    def cut_ball(self, node, bound, move):
        """The ball by tangent planes, each at the last program's point (Kelley)."""
        J = np.flatnonzero(self.e)
        cuts, best = [], np.inf
        for _ in range(60):
            new, at = self.program(*node, np.array(cuts).reshape(-1, len(J)))
            if at is None:
                return np.inf, None
            bound = max(bound, new)
            size = np.linalg.norm(at[J] / self.e[J])
            inside = at / max(1.0, size)
            value = self.relaxed_value(inside, *node[:2])
            if value < best:
                best, move = value, inside
            if size <= 1.0 + 1e-9 or best - bound <= 1e-8 * (1.0 + abs(bound)):
                break
            cuts.append(at[J] / self.e[J] / size)
        return bound, move

    def dual_ball(self, q, constant, rows, sign):
        """The dual of the relaxation over the ball: concave in lines and multipliers, which have bounds."""
        g, b = len(self.agree), len(rows)

        def negative(v):
            bound, way = self.closed(q, constant, rows, sign, v[:g], v[g:])
            z = self.U @ (self.x + steepest(way, self.e, "l2"))
            return -bound, -np.concatenate([self.a[self.agree] * z[self.agree], -sign * z[rows]])

        start = np.concatenate([(self.z[self.agree] > 0.0).astype(float), np.zeros(b)])
        if g + b:
            limits = [(0.0, 1.0)] * g + [(0.0, 1e9)] * b
            options = {"ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
            start = minimize(negative, start, jac=True, bounds=limits, method="L-BFGS-B", options=options).x
        alpha, mu = np.clip(start[:g], 0.0, 1.0), np.maximum(start[g:], 0.0)
        bound, way = self.closed(q, constant, rows, sign, alpha, mu)
        return bound, steepest(way, self.e, "l2")

    def run(self, low, reached, move, max_nodes, tol, decide):
        """Best first: the open node with the least bound is branched at the largest gap between chord and unit."""
        bound, at = self.relaxed({})
        heap, nodes, order = [(max(bound, low), 0, {}, at)], 1, 0
        value = self.value(at)
        if value < reached:
            reached, move = value, at
        while heap:
            least = min(heap[0][0], reached)
            if nodes >= max_nodes or done(least, reached, tol, decide):
                return least, reached, move, nodes
            bound, _, signs, at = heapq.heappop(heap)
            free = [i for i in self.oppose if i not in signs]
            if not free:  # a leaf whose bound is not yet its value: only rounding, or the ball's solver
                return bound, reached, move, nodes
            z = self.U[free] @ (self.x + at)
            gap = -self.a[free] * (self.chord[free] * z + self.shift[free] - np.maximum(z, 0.0))
            i = free[int(gap.argmax())]
            for sign in (1, -1):
                child = {**signs, i: sign}
                new, there = self.relaxed(child)
                nodes += 1
                if there is None:
                    continue
                value = self.value(there)
                if value < reached:
                    reached, move = value, there
                order += 1
                heapq.heappush(heap, (max(new, bound), order, child, there))
        return reached, reached, move, nodes
