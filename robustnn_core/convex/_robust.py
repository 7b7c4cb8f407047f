r"""The robust convex program as a model of the interior point.

Blocks u_b (v first, then w) and :math:`R_{bj} \ge e_j|u_{bj}|`, :math:`S_{kj} \ge e_j|q_{kj}|`, and one variable
:math:`Z_k` a point, whose loss is that of a residual of size at most Z_k. R, S and Z are eliminated; every block has
its own d x d matrix; the blocks meet in V - W only, one system of size P d.
"""

import numpy as np
from scipy import linalg

from robustnn_core.convex import _cones, interior


class Robust(interior.Model):
    """Slacks: R -+ e u, E X u - sum R, S -+ e q, the rows of the loss (and Z itself where it has a floor).

    Parameters
    ----------
    X, y : ndarray
    e : ndarray, shape (d,)
        Half the sides of the box.
    active, edge : ndarray of bool, shape (P, n)
        Patterns with a gate inside their robust cone, and those that can only carry a block on an edge.
    inner : ndarray, shape (P, d)
        Strictly inside the cones of ``active``.
    beta : float
    loss : losses.Loss
    """

    correctors = 2

    def __init__(self, X, y, e, active, edge, inner, beta, loss):
        self.X, self.y, self.beta, self.loss, self.inner = X, y, beta, loss, inner
        self.form = loss.robust(y)
        self.J = np.flatnonzero(e > 0)
        self.e, self.full = e[self.J], e
        self.D = active.astype(np.float64)  # (P, n)
        self.edge = edge.astype(np.float64)
        self.E = np.concatenate([2 * self.D - 1] * 2)  # (2P, n)
        self.n, self.d = X.shape
        self.P = len(self.D)

    def q_of(self, U):
        """The linear map of every point, (n, d)."""
        return self.D.T @ (U[: self.P] - U[self.P :])

    def to_blocks(self, G):
        """sum_k sigma_b d_bk G_k: (2P, d) from (n, d)."""
        H = self.D @ G
        return np.concatenate([H, -H])

    def rows(self, U, R, S, Z, constant=0.0):
        """The slacks, or with ``constant = 0`` how they move: their linear part."""
        e, J, form = self.e, self.J, self.form
        q = self.q_of(U)
        m, sums = (self.X * q).sum(axis=1), S.sum(axis=1)
        found = [
            R - e * U[:, J],
            R + e * U[:, J],
            self.E * (U @ self.X.T) - R.sum(axis=1)[:, None],
            S - e * q[:, J],
            S + e * q[:, J],
        ]
        found += [Z + a * m + constant * b - sums for a, b in zip(form.signs, form.offsets)]
        return found + [Z.copy()] if form.floor else found

    def forces(self, z):
        """What the multipliers pull at: U, R, S, Z."""
        e, J, form = self.e, self.J, self.form
        own = z[5 : 5 + len(form.signs)]
        gq = sum(a * part for a, part in zip(form.signs, own))[:, None] * self.X
        gq[:, J] += e * (z[4] - z[3])
        gU = (self.E * z[2]) @ self.X
        gU[:, J] += e * (z[1] - z[0])
        gR = z[0] + z[1] - z[2].sum(axis=1)[:, None]
        total = sum(own)
        gS = z[3] + z[4] - total[:, None]
        return gU + self.to_blocks(gq), gR, gS, total + z[-1] if form.floor else total

    def start(self):
        """Blocks along the gates inside the cones, all other variables well above their bounds."""
        form, size = self.form, max(len(self.J), 1)
        scale = min(form.mu / self.beta, form.reach / np.abs(self.X).max())
        # long enough for the penalty to be felt: the dual cones come down to beta before mu is at its end
        scale = max(scale, 0.1 * self.loss.value(np.zeros(self.n), self.y) / (2 * self.P * self.beta))
        U = scale * np.concatenate([self.inner, self.inner])
        room = (self.E * (U @ self.X.T)).min(axis=1) - np.abs(U) @ self.full
        R = self.e * np.abs(U[:, self.J]) + 0.5 * room[:, None] / size
        S = np.full((self.n, len(self.J)), 0.5 * form.size / size)
        Z = S.sum(axis=1) + form.first
        s = self.rows(U, R, S, Z, 1.0)
        z = [form.mu / part for part in s]
        W = -self.forces(z)[0]
        tau = np.maximum(self.beta, 1.5 * np.sqrt((W**2).sum(axis=1)))
        t = 1.5 * np.sqrt((U**2).sum(axis=1)) + 1e-12
        self.degree = sum(part.size for part in s) + 2 * self.P
        return _cones.Point(U, t, W, tau, s, z, {"R": R, "S": S, "Z": Z})

    def settle(self, point, move, length):
        new = point.moved(move, length)
        new.s = self.rows(new.U, new.more["R"], new.more["S"], new.more["Z"], 1.0)
        return new

    def certify(self, point, bracket):
        value, fits = self.value(point.U)
        if fits:
            bracket.offer(value, point.U)
        lower, dual, moves = self.bound(point.z)
        bracket.bound(lower, (dual, moves))
        self.prices = np.sqrt((point.W**2).sum(axis=1))

    def value(self, U):
        """The objective, and whether the point is feasible to the last bit."""
        fits = (self.E * (U @ self.X.T)).min(axis=1) >= np.abs(U) @ self.full
        return self.worst(U) + self.beta * np.sqrt((U**2).sum(axis=1)).sum(), bool(fits.all())

    def worst(self, U):
        """The loss in closed form, of feasible blocks (2P, d)."""
        q = self.q_of(U)
        return self.loss.total(self.loss.worst((self.X * q).sum(axis=1), np.abs(q) @ self.full, self.y))

    def bound(self, z):
        """Certified lower bound from any multipliers: the adversary's weights, clipped and scaled into the dual."""
        X, e, J = self.X, self.e, self.J
        lam, size = self.form.dual(z[5:])
        pull = np.zeros((self.n, self.d))
        pull[:, J] = np.clip(z[3] - z[4], -size[:, None], size[:, None])
        G = pull * self.full - lam[:, None] * X
        g = self.to_blocks(G)
        mu = (self.E * z[2]) @ X
        mu[:, J] += e * np.clip(z[1] - z[0], -z[2].sum(axis=1)[:, None], z[2].sum(axis=1)[:, None])
        h = np.sqrt(((g - mu) ** 2).sum(axis=1)).max()
        if len(self.edge):
            h = max(h, np.sqrt(((self.edge @ G) ** 2).sum(axis=1)).max())
        theta, value = self.form.scale(lam, size, self.y, self.beta / (h * (1 + 1e-12)) if h > 0 else np.inf)
        # G_k = -lam_k (x_k + move_k) up to the sign of the loss's slope
        turn = np.where(lam > 0, -1.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            moves = np.where(size[:, None] > 0, turn[:, None] * pull / size[:, None], 0.0) * self.full
        return value, theta * lam, moves

    def pruned(self, bracket):
        """Drop the blocks that the dual holds strictly below beta, if that is no worse."""
        U = bracket.point.copy()
        U[self.prices < 0.99 * self.beta] = 0.0
        value, fits = self.value(U)
        if fits and value <= bracket.upper:
            bracket.upper, bracket.point = value, U

    def system(self, point, scaling, gap):
        return _System(self, point, scaling)


def _halves(first, second, e):
    """A pair of rows +-e x of a bound: the weight left on the bound, its tilt and the weight left on x."""
    both = first + second
    return both, e * (second - first) / both, 4 * e**2 * first * second / both


class _System:
    """One iterate's linear system, factorised once and solved for predictor and corrector."""

    lag = 0.0

    def __init__(self, model, point, scaling):
        o, self.model, self.point, self.scaling = model, model, point, scaling
        form, Z = o.form, point.more["Z"]
        om = [b / a for a, b in zip(point.s, point.z)]
        self.gain, self.wZ = form.slope(Z), form.curvature(Z) + (om[-1] if form.floor else 0.0)
        # weights of the rows, and what is left of them when R, S and Z are eliminated
        self.DR, self.cR, hR = _halves(om[0], om[1], o.e)
        self.DS, self.cS, self.hS = _halves(om[3], om[4], o.e)
        tauR, tauS = (1 / self.DR).sum(axis=1), (1 / self.DS).sum(axis=1)
        own = om[5 : 5 + len(form.signs)]
        total = sum(own)
        first = sum(a * part for a, part in zip(form.signs, own))
        self.extra = np.maximum(sum(a * a * part for a, part in zip(form.signs, own)) - first**2 / total, 0.0)
        self.gamma = 1 / (1 / total + 1 / self.wZ + tauS)
        self.A = (first / total)[:, None] * o.X
        self.A[:, o.J] += self.cS
        total = om[2].sum(axis=1)
        mean = ((om[2] * o.E) @ o.X) / total[:, None]
        self.tilted = mean.copy()
        self.tilted[:, o.J] += self.cR
        self.soft = total / (1 + total * tauR)
        C = np.sqrt(om[2])[:, :, None] * (o.E[:, :, None] * o.X - mean[:, None, :])
        H = C.transpose(0, 2, 1) @ C + self.soft[:, None, None] * (self.tilted[:, :, None] * self.tilted[:, None, :])
        scaling.add_to(H)
        H[:, o.J, o.J] += hR
        self.H, self.whole = H, None
        self.M = self.coupling()
        self.pairs = _cones.Pairs(H)
        whole, d = self.M.copy(order="F"), o.d
        for b, part in enumerate(self.pairs.parallel()):
            whole[b * d : (b + 1) * d, b * d : (b + 1) * d] += part
        whole[np.arange(o.P * d), np.arange(o.P * d)] *= 1 + 1e-14
        self.factor = self.cholesky(whole)

    @staticmethod
    def cholesky(A):
        try:
            return linalg.cho_factor(A, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError as error:
            raise _cones.Broken(str(error)) from None

    def coupling(self):
        """The lower half of sum_k (d_ik d_jk) (gamma A_k A_k^T + ...), by one symmetric product, in Fortran order."""
        o = self.model
        n, d, P = o.n, o.d, o.P
        rows = [np.sqrt(self.gamma)[:, None] * self.A]
        if len(o.form.signs) > 1:
            rows.append(np.sqrt(self.extra)[:, None] * o.X)
        F = np.concatenate([(o.D.T[:, :, None] * part[:, None, :]).reshape(n, P * d) for part in rows])
        whole = linalg.blas.dsyrk(1.0, F.T, lower=1)
        i, j, c = np.ogrid[:P, :P, : len(o.J)]
        whole[i * d + o.J[c], j * d + o.J[c]] += np.einsum("ik,jk,kc->ijc", o.D, o.D, self.hS, optimize=True)
        return whole

    def apply(self, dU):
        """H dU and what the blocks feel through the loss."""
        o = self.model
        dq = o.q_of(dU)
        g = (self.gamma * (self.A * dq).sum(axis=1))[:, None] * self.A
        g += (self.extra * (o.X * dq).sum(axis=1))[:, None] * o.X
        g[:, o.J] += self.hS * dq[:, o.J]
        return np.einsum("bij,bj->bi", self.H, dU) + o.to_blocks(g)

    def reduced(self, g):
        """The solution through the system of V - W."""
        q = linalg.cho_solve(self.factor, self.pairs.reduced(g).ravel(), check_finite=False)
        return self.pairs.restored(g, q.reshape(self.model.P, -1))

    def direct(self, g):
        """The same by one factor of twice the size, scaled to a unit diagonal: for the last digits."""
        if self.whole is None:
            P, d = self.model.P, self.model.d
            M = np.tril(self.M) + np.tril(self.M, -1).T
            K = np.block([[M, -M], [-M, M]])
            for b in range(2 * P):
                K[b * d : (b + 1) * d, b * d : (b + 1) * d] += self.H[b]
            unit = 1 / np.sqrt(K.diagonal())
            K *= np.multiply.outer(unit, unit)
            K[np.arange(len(K)), np.arange(len(K))] += 1e-13
            self.whole = unit, self.cholesky(K)
        unit, factor = self.whole
        return (unit * linalg.cho_solve(factor, unit * g.ravel(), check_finite=False)).reshape(g.shape)

    def newton(self, g):
        """Solve for the blocks: (H + B^T M B) dU = g, refined."""
        size = np.abs(g).max()
        fine = max(1e-15 * size, 1e-3 * self.scaling.room)  # an error that no dual cone notices
        best, least = None, np.inf
        for route in (self.direct,) if self.whole is not None else (self.reduced, self.direct):
            dU, rest, way, old = np.zeros_like(g), g, None, 1.0
            for _ in range(8):  # conjugate gradients with the factor as preconditioner
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
            raise _cones.Broken("the direction is not finite")
        return best

    def solve(self, rows, q0, q1, refined=True):
        """The direction for the right-hand sides of the rows and of the norm cones."""
        o, J, point = self.model, self.model.J, self.point
        dtau = o.beta - point.tau
        c0, own = self.scaling.eliminated(q0, q1, dtau)
        # the residual's multipliers and the right-hand side
        gU, bR, bS, gZ = o.forces([b + c / a for a, b, c in zip(point.s, point.z, rows)])
        bZ = gZ - self.gain
        fS = bZ / self.wZ - (bS / self.DS).sum(axis=1)
        fR = -(bR / self.DR).sum(axis=1)
        bq = -(self.gamma * fS)[:, None] * self.A
        bq[:, J] -= bS * self.cS
        b = gU + point.W + own + o.to_blocks(bq) - (fR * self.soft)[:, None] * self.tilted
        b[:, J] -= bR * self.cR
        dU = self.newton(b)
        dq = o.q_of(dU)
        force = self.gamma * ((self.A * dq).sum(axis=1) + fS)
        dS = (bS + force[:, None]) / self.DS - self.cS * dq[:, J]
        dZ = (bZ - force) / self.wZ
        pull = self.soft * ((self.tilted * dU).sum(axis=1) + fR)
        dR = (bR + pull[:, None]) / self.DR - self.cR * dU[:, J]
        ds = o.rows(dU, dR, dS, dZ)
        dz = [(c - b * da) / a for a, b, c, da in zip(point.s, point.z, rows, ds)]
        dW = -point.W - o.forces([b + db for b, db in zip(point.z, dz)])[0]
        dt = self.scaling.t_of(c0, dU)
        return _cones.Point(dU, dt, dW, dtau, ds, dz, {"R": dR, "S": dS, "Z": dZ})
