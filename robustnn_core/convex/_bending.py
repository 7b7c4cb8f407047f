r"""The bending program as a model of the interior point: no cones of patterns, but slacks for opposing units.

Units u_i and :math:`h_i \ge \|e\circ u_i\|_*`; for every row v (a point and a side) :math:`q_v = \sum_i s_ic_{iv}u_i`,
:math:`h_v \ge \|e\circ q_v\|_*` and, for the opposing units, :math:`t_{iv} \ge 0`,
:math:`t_{iv} \ge (1-c_{iv})(x_v^\top u_i + h_i)`, :math:`t_{iv} \ge c_{iv}(h_i - x_v^\top u_i)`;
:math:`Z_k \ge o_v - \sigma_vq_v^\top x_v + h_v + \sum_i t_{iv}`. The t, the h_v and the Z are eliminated row by row;
what is left is one system in (u_i, h_i), of size m (d + 1). Memory: rows x m x (d + 1) and the square of that size.
"""

import numpy as np

from robustnn_core.convex import _cones, interior
from robustnn_core.convex._bending_rows import lengths, risk
from robustnn_core.convex._bending_system import Box, System


class Bending(interior.Model):
    """The program of fixed slopes.

    Parameters
    ----------
    rows : Rows
    slopes : ndarray, shape (rows, m)
    y : ndarray, shape (n,)
    beta : float
    loss : losses.Loss
    """

    share = 0.98
    wide = 0.0
    patience = 25  # before the units have the lengths that the penalty allows, mu falls by a few per cent a step

    def __init__(self, rows, slopes, y, beta, loss):
        self.of, self.slopes, self.y, self.beta, self.loss = rows, slopes, y, beta, loss
        self.form = loss.robust(y)
        self.target = -self.form.offsets.ravel()
        self.m, self.d = len(rows.signs), rows.X.shape[1]
        self.v, self.i = np.nonzero(rows.oppose)
        self.C = slopes * rows.signs
        self.c = slopes[self.v, self.i]
        self.ball = rows.norm == "l2" and bool(rows.e.any())
        self.moving = bool(rows.e.any())
        self.box = None if self.ball else Box(rows.e)

    # -- the linear maps

    def spread(self, values):
        out = np.zeros(self.of.oppose.shape)
        out[self.v, self.i] = values
        return out

    def q_of(self, U):
        return self.C @ U

    def heights(self, point):
        """h of the units and of the rows."""
        if self.ball:
            return point.t[self.m : 2 * self.m], point.t[2 * self.m :]
        return point.more["R"].sum(axis=1), point.more["S"].sum(axis=1)

    def rows(self, point, constant=0.0):
        """The slacks, or with ``constant = 0`` how they move: their linear part."""
        U, t, Z = point.U[: self.m], point.more["t"], point.more["Z"]
        h, H = self.heights(point)
        z = (self.of.X @ U.T)[self.v, self.i]
        q = self.q_of(U)
        sums = np.bincount(self.v, t, minlength=self.of.count)
        repeated = np.tile(Z, self.of.count // self.of.n)
        one = repeated + self.of.side * (self.of.X * q).sum(axis=1) - H - sums - constant * self.target
        found = [t.copy(), t - (1.0 - self.c) * (z + h[self.i]), t - self.c * (h[self.i] - z), one]
        if self.form.floor:
            found.append(Z.copy())
        if not self.ball:
            found += self.box.rows(U, point.more["R"]) + self.box.rows(q, point.more["S"])
        return found

    def split(self, z):
        """(t0, t1, t2, the row, floor or None), (R), (S)."""
        k = 5 if self.form.floor else 4
        return [*z[:4], z[4] if self.form.floor else None], z[k : k + 2], z[k + 2 : k + 4]

    def on_units(self, z, W):
        """What multipliers pull the units with (the penalty's own left out)."""
        (t0, t1, t2, lam, _), R, S = self.split(z)
        m = self.m
        gq = (lam * self.of.side)[:, None] * self.of.X
        if self.ball:
            gq = gq + self.of.e * W[2 * m :]
            own = self.of.e * W[m : 2 * m]
        else:
            gq = gq + self.box.force(S)[1]
            own = self.box.force(R)[1]
        pull = self.spread(self.c * t2 - (1.0 - self.c) * t1)
        return own + pull.T @ self.of.X + self.C.T @ gq

    # -- the loop's questions

    def start(self):
        form, n, m = self.form, self.of.count, self.m
        share = 2.0 * form.size
        most = max(1, int(self.of.oppose.sum(axis=1).max()))
        h, H = np.full(m, share / most), np.full(n, share)
        t = 1.5 * h[self.i] + 1e-3 * share
        first = share + np.bincount(self.v, t, minlength=n).max()
        more = {"t": t, "Z": np.full(self.of.n, 0.0) + first + form.first}
        if not self.ball:
            J = max(len(self.box.J), 1)
            more["R"] = np.repeat(h[:, None] / J, len(self.box.J), axis=1)
            more["S"] = np.repeat(H[:, None] / J, len(self.box.J), axis=1)
        blocks = 2 * m + n if self.ball else m
        point = _cones.Point(
            np.zeros((blocks, self.d)), np.ones(blocks), np.zeros((blocks, self.d)), np.ones(blocks), [], [], more
        )
        if self.ball:
            point.t[m:] = np.concatenate([h, H])
        point.s = self.rows(point, 1.0)
        mu = 4.0 * form.mu
        point.z = [mu / part for part in point.s]
        point.tau[m:] = mu / point.t[m:]
        point.W[:m] = -self.on_units(point.z, point.W)
        point.tau[:m] = np.maximum(self.beta, 1.1 * np.sqrt((point.W[:m] ** 2).sum(axis=1)))
        most = 10.0 * form.size / max(np.abs(self.of.X).max(), 1e-300)
        point.t[:m] = np.maximum(mu / point.tau[:m], min(0.1 * mu / self.beta, most))
        self.degree = sum(part.size for part in point.s) + blocks
        return point

    def settle(self, point, move, length):
        new = point.moved(move, length)
        if self.ball:
            U = new.U[: self.m]
            new.U = np.concatenate([U, self.of.e * U, self.of.e * self.q_of(U)])
        new.s = self.rows(new, 1.0)
        return new

    def certify(self, point, bracket):
        U = point.U[: self.m]
        bracket.offer(self.objective(U), U.copy())
        lower, dual = self.bound(point.z, point.W)
        bracket.bound(lower, dual)

    def objective(self, U):
        return risk(self.loss, self.of.margins(U, self.slopes), self.y) + self.beta * lengths(U)

    def bound(self, z, W):
        """A certified lower bound from any multipliers: clipped, then scaled into the dual."""
        (_, t1, t2, lam, _), R, S = self.split(z)
        e, m = self.of.e, self.m
        lam = np.maximum(lam, 0.0)
        if self.loss.labels:
            lam = np.minimum(lam, 1.0 / self.of.n)
        fit = np.minimum(1.0, lam[self.v] / np.maximum(t1 + t2, 1e-300))
        t1, t2 = fit * t1, fit * t2
        reach = np.bincount(self.i, (1.0 - self.c) * t1 + self.c * t2, minlength=m)
        gq = (lam * self.of.side)[:, None] * self.of.X
        pull = W[2 * m :] if self.ball else self.box.wide(S[1] - S[0])
        g = self.C.T @ (gq + e * self.clipped(pull, lam))
        g = g + self.spread(self.c * t2 - (1.0 - self.c) * t1).T @ self.of.X
        if self.ball:
            g = g + e * self.clipped(W[m : 2 * m], reach)
        else:
            g = g - np.clip(g, -np.multiply.outer(reach, e), np.multiply.outer(reach, e))
        top = np.sqrt((g**2).sum(axis=1)).max()
        size, signed = self.of.folded(lam), self.of.folded(lam * self.of.side)
        theta, value = self.form.scale(signed, size, self.y, self.beta / (top * (1 + 1e-12)) if top > 0 else np.inf)
        return value, theta * signed

    def clipped(self, pull, size):
        if not self.ball:
            return np.clip(pull, -size[:, None], size[:, None])
        length = np.sqrt((pull**2).sum(axis=1))
        return pull * np.minimum(1.0, size / np.maximum(length, 1e-300))[:, None]

    def system(self, point, scaling, gap):
        return System(self, point, scaling, gap)
