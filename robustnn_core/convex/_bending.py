r"""The bending program as a model of the interior point: no cones of patterns, but slacks for opposing units.

Units u_i and :math:`h_i \ge \|e\circ u_i\|_*`; for every row v (a point and a side) :math:`q_v = \sum_i s_ic_{iv}u_i`,
:math:`h_v \ge \|e\circ q_v\|_*` and, for the opposing units, :math:`t_{iv} \ge 0`,
:math:`t_{iv} \ge (1-c_{iv})(x_v^\top u_i + h_i)`, :math:`t_{iv} \ge c_{iv}(h_i - x_v^\top u_i)`;
:math:`Z_k \ge o_v - \sigma_vq_v^\top x_v + h_v + \sum_i t_{iv}`. The t, the h_v and the Z are eliminated row by row;
what is left is one system in (u_i, h_i), of size m (d + 1). Memory: rows x m x (d + 1) and the square of that size.
"""

import numpy as np
from scipy import linalg

from robustnn_core.convex import _cones, interior


def norm_of(A, e, norm):
    """|e o A| in the dual norm of the moves, row by row."""
    return np.abs(A) @ e if norm == "linf" else np.sqrt(((A * e) ** 2).sum(axis=-1))


class Rows:
    """Points and sides: what the bound of the theorem is made of.

    Parameters
    ----------
    X : ndarray, shape (n, d)
    signs : ndarray, shape (m,)
        Of the units.
    sides : ndarray, shape (r, n)
        One row of labels, or of +1 and of -1 for a loss of both sides.
    e : ndarray, shape (d,)
    norm : {"linf", "l2"}
    """

    def __init__(self, X, signs, sides, e, norm):
        self.n, self.count = len(X), sides.size
        self.X, self.side = np.concatenate([X] * len(sides)), sides.ravel()
        self.signs, self.e, self.norm = signs, e, norm
        self.oppose = np.multiply.outer(self.side, signs) < 0.0  # (rows, m)

    def on(self, used):
        """The same on some of the columns."""
        return Rows(self.X[: self.n, used], self.signs, self.side.reshape(-1, self.n), self.e[used], self.norm)

    def chords(self, U):
        """The slopes (rows, m) of the best lines at U, two choices: chords above opposing units; below an agreeing one
        that turns, z or 0 by the larger side, and 0."""
        z, h = self.X @ U.T, norm_of(U, self.e, self.norm)
        low, high = z - h, z + h
        crossing = (low < 0.0) & (high > 0.0)
        on = (z > 0.0).astype(float)
        chord = np.divide(high, high - low, out=on.copy(), where=crossing)
        return np.where(self.oppose, chord, on), np.where(self.oppose, chord, on * ~crossing)

    def margins(self, U, slopes):
        """m_v(U), (rows,): what sides * f is at least over the box."""
        z, h = self.X @ U.T, norm_of(U, self.e, self.norm)
        q = (slopes * self.signs) @ U
        over = np.maximum(0.0, np.maximum((1.0 - slopes) * (z + h), slopes * (h - z)))
        return self.side * (self.X * q).sum(axis=1) - norm_of(q, self.e, self.norm) - (self.oppose * over).sum(axis=1)

    def folded(self, values):
        """Per row to per point: a sum."""
        return values.reshape(-1, self.n).sum(axis=0)


class _Box:
    """h = sum_j S_j with S_j >= e_j |a_j|: two slacks each, eliminated one by one."""

    def __init__(self, e):
        self.J, self.d = np.flatnonzero(e > 0.0), len(e)
        self.e = e[self.J]

    def rows(self, A, S):
        part = self.e * A[:, self.J]
        return [S - part, S + part]

    def wide(self, values):
        out = np.zeros((len(values), self.d))
        out[:, self.J] = values
        return out

    def force(self, z):
        """On S and on the vectors."""
        return z[0] + z[1], self.wide(self.e * (z[1] - z[0]))

    def eliminate(self, first, second):
        """tau, the tilt c of h = c.a + ..., and what stays on the vectors' squares."""
        self.D = first + second
        self.c = self.e * (first - second) / self.D
        return (1.0 / self.D).sum(axis=1), self.wide(self.c), self.wide(4.0 * self.e**2 * first * second / self.D)

    def right(self, bS, ba):
        """The offset of h, and what the vectors get."""
        return (bS / self.D).sum(axis=1), ba + self.wide(bS * self.c)

    def back(self, bS, force, dA):
        return (bS + force[:, None]) / self.D + self.c * dA[:, self.J]


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
    furthest, least, trust = 1.0 / 0.98, 1e-4, 20.0
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
        self.box = None if self.ball else _Box(rows.e)

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
        return _System(self, point, scaling, gap)


class _System:
    """One iterate's linear system, factorised once and solved for predictor and corrector."""

    lag = 0.0

    def __init__(self, model, point, scaling, gap):
        self.o, self.point, self.scaling = model, point, scaling
        o, of, m, d = model, model.of, model.m, model.d
        om = [b / a for a, b in zip(point.s, point.z)]
        (o0, o1, o2, one, floor), R, S = o.split(om)
        Z, c = point.more["Z"], o.c
        self.gain = o.form.slope(Z)
        self.wZ = o.form.curvature(Z) + (floor if floor is not None else 0.0)
        if floor is None and not o.loss.quadratic:
            # the logistic slope p(Z): Newton's equation for Z = logit(p), which is not flat where p is
            p = np.clip(of.n * of.folded(point.z[3]), 1e-12, 0.99)
            self.wZ = p * (1.0 - p) / of.n
            self.gain = p / of.n + self.wZ * (Z - np.log(p) + np.log1p(-p))
        # t: what its elimination leaves on xi = x.u and on h
        self.D = D = o0 + o1 + o2
        a, b = o1 * (1.0 - c), o2 * c
        self.on_xi, self.on_h = (a - b) / D, (a + b) / D * o.moving
        both, cross = o0 * (a * (1.0 - c) + b * c) / D, o1 * o2 / D
        side = o0 * (a * (1.0 - c) - b * c) / D
        quad = [both + cross, side + cross * (1.0 - 2.0 * c), both + cross * (1.0 - 2.0 * c) ** 2]
        quad = [o.spread(part) for part in quad]
        # the norms of units and of rows
        self.ray = self.dent = None
        if o.ball:
            scale, k = scaling.scale, scaling.k
            self.tau = 1.0 / (scale * k)
            self.tilt = of.e * (2.0 * scaling.nu0 / k)[:, None] * scaling.nu1
            self.tauR, self.tauS, cR, self.cS = self.tau[m : 2 * m], self.tau[2 * m :], *self.parts(self.tilt)
            left = scale[:, None] * of.e**2
            resR, self.res = left[m : 2 * m], left[2 * m :]
            self.dent = scale * (1.0 - 1.0 / k)
            self.ray = of.e * scaling.ray
        else:
            self.R, self.S = _Box(of.e), _Box(of.e)
            self.tauR, cR, resR = self.R.eliminate(*R)
            self.tauS, self.cS, self.res = self.S.eliminate(*S)
        self.cR = cR
        self.wR = 1.0 / np.maximum(self.tauR, 1e-300) if o.moving else np.ones(m)
        # units and their h: one block each
        H = np.zeros((m, d + 1, d + 1))
        for i in range(m):
            part = of.X * np.sqrt(quad[0][:, i])[:, None]
            H[i, :d, :d] = part.T @ part
        H[:, :d, d] = (quad[1].T @ of.X) * o.moving
        H[:, d, d] = quad[2].sum(axis=0) * o.moving
        H[:, d, :d] = H[:, :d, d]
        form = np.concatenate([-cR, np.ones((m, 1))], axis=1)
        H += self.wR[:, None, None] * form[:, :, None] * form[:, None, :]
        at = np.arange(d)
        H[:, at, at] += resR
        if o.ball:
            ray, dent = self.ray[m : 2 * m], self.dent[m : 2 * m]
            H[:, :d, :d] -= dent[:, None, None] * ray[:, :, None] * ray[:, None, :]
        # the penalty, split along and across the ray
        ray, lost = scaling.ray[:m], scaling.scale[:m] * (1.0 / scaling.k[:m] - 1.0)
        H[:, :d, :d] += lost[:, None, None] * ray[:, :, None] * ray[:, None, :]
        H[:, at, at] += scaling.scale[:m, None]
        self.H = H
        # the rows
        self.gamma = 1.0 / (1.0 / one + self.tauS + np.bincount(o.v, 1.0 / D, minlength=of.count))
        self.all = of.folded(self.gamma)
        F = np.empty((of.count, m, d + 1))
        weight = o.C * of.side[:, None] - o.spread(self.on_xi)
        F[:, :, :d] = weight[:, :, None] * of.X[:, None, :] - o.C[:, :, None] * self.cS[:, None, :]
        F[:, :, d] = -o.spread(self.on_h)
        self.F = F.reshape(of.count, -1)
        self.single = gap > 1e-3  # half the time; the directions are refined either way
        self.factor = self.factored()

    def parts(self, A):
        return A[self.o.m : 2 * self.o.m], A[2 * self.o.m :]

    def factored(self):
        o, of, m, d = self.o, self.o.of, self.o.m, self.o.d
        if of.count == of.n:
            rows = np.sqrt(1.0 / (1.0 / self.gamma + 1.0 / self.wZ))[:, None] * self.F
        else:  # the two rows of a point: their mean and their difference
            G, n = self.all, of.n
            mean = (self.gamma[:n, None] * self.F[:n] + self.gamma[n:, None] * self.F[n:]) / G[:, None]
            apart = self.F[:n] - self.F[n:]
            rows = np.concatenate(
                [
                    np.sqrt(1.0 / (1.0 / G + 1.0 / self.wZ))[:, None] * mean,
                    np.sqrt(self.gamma[:n] * self.gamma[n:] / G)[:, None] * apart,
                ]
            )
        K = linalg.blas.dsyrk(1.0, rows.T, lower=1)  # Fortran order
        if self.ray is not None:
            ray, dent = self.ray[2 * m :], np.sqrt(self.dent[2 * m :])
            part = np.zeros((of.count, m, d + 1))
            part[:, :, :d] = (dent[:, None] * o.C)[:, :, None] * ray[:, None, :]
            K = linalg.blas.dsyrk(-1.0, part.reshape(of.count, -1).T, beta=1.0, c=K, lower=1, overwrite_c=1)
        view = K.T.reshape(m, d + 1, m, d + 1)  # the upper half in C order
        for j in np.flatnonzero(self.res.any(axis=0)):
            view[:, j, :, j] += (o.C * self.res[:, j, None]).T @ o.C
        i = np.arange(m)
        view[i, :, i, :] += self.H
        size = len(K)
        K[np.arange(size), np.arange(size)] *= 1.0 + 1e-14
        self.unit = 1.0 / np.sqrt(K.diagonal())
        K *= self.unit
        K *= self.unit[:, None]
        if self.single:
            factor, bad = linalg.lapack.spotrf(K.astype(np.float32, order="F"), lower=1, clean=0, overwrite_a=1)
            if not bad:
                return factor
            self.single = False
        for shift in (0.0, 1e-13, 1e-11):
            K[np.arange(size), np.arange(size)] += shift
            factor, bad = linalg.lapack.dpotrf(K, lower=1, clean=0, overwrite_a=0)
            if not bad:
                return factor
        raise _cones.Broken("the system has no factor")

    def back(self, g):
        solve = linalg.lapack.spotrs if self.single else linalg.lapack.dpotrs
        x, _ = solve(self.factor, (self.unit * g.ravel()).astype(self.factor.dtype), lower=1)
        return (self.unit * x.ravel()).reshape(g.shape)

    def pushed(self, f):
        """phi of the rows from r - alpha dx, without the term of b_Z: what Z takes up of the mean cancels, so the mean
        and the difference of a point's rows go apart."""
        of, soft = self.o.of, self.wZ / (self.wZ + self.all)
        if of.count == of.n:
            return self.gamma * soft * f
        first, second = self.gamma[: of.n], self.gamma[of.n :]
        mean = soft * (first * f[: of.n] + second * f[of.n :]) / self.all
        apart = first * second / self.all * (f[: of.n] - f[of.n :])
        return np.concatenate([first * mean + apart, second * mean - apart])

    def apply(self, dx):
        o, m, d = self.o, self.o.m, self.o.d
        out = np.einsum("iab,ib->ia", self.H, dx)
        out += (self.pushed(self.F @ dx.ravel()) @ self.F).reshape(m, d + 1)
        dq = o.q_of(dx[:, :d])
        gq = self.res * dq
        if self.ray is not None:
            ray = self.ray[2 * m :]
            gq = gq - (self.dent[2 * m :] * (ray * dq).sum(axis=1))[:, None] * ray
        out[:, :d] += o.C.T @ gq
        return out

    def newton(self, g):
        """Conjugate gradients with the factor as preconditioner, first the one of single precision."""
        best, enough = self.refined(g)
        if not enough and self.single:
            self.single = False
            self.factor = self.factored()
            best, _ = self.refined(g)
        if best is None or not np.isfinite(best).all():
            raise _cones.Broken("the direction is not finite")
        return best

    def refined(self, g):
        size = np.abs(g).max()
        fine = max(1e-15 * size, 1e-3 * self.scaling.room)  # an error that no dual cone notices
        best, least = None, np.inf
        dx, rest, way, old = np.zeros_like(g), g, None, 1.0
        for _ in range(12 if self.single else 8):
            pulled = self.back(rest)
            now = float((rest * pulled).sum())
            way = pulled if way is None else pulled + (now / old) * way
            curved = float((way * self.apply(way)).sum())
            if not (now > 0.0 and curved > 0.0):
                break
            dx, old = dx + (now / curved) * way, now
            rest = g - self.apply(dx)
            left = np.abs(rest).max()
            if left < least:
                best, least = dx, left
            if least <= fine or left > 100 * least:
                break
        return best, least <= max(1e-9 * size, min(fine, 1e-6 * size))

    def solve(self, rows, q0, q1):
        """The direction for the right-hand sides of the rows and of the norm cones."""
        o, of, point, m, d = self.o, self.o.of, self.point, self.o.m, self.o.d
        sc = self.scaling
        pulls = [b + c / a for a, b, c in zip(point.s, point.z, rows)]
        (p0, p1, p2, _, pf), R, S = o.split(pulls)
        first = point.s[3] + rows[3] / point.z[3]  # p / omega of the row
        dtau = np.concatenate([np.full(m, o.beta), np.zeros(len(point.tau) - m)]) - point.tau
        c0, own = sc.eliminated(q0, q1, dtau)
        bt = p0 + p1 + p2
        bZ = (pf if pf is not None else 0.0) - self.gain
        if o.ball:
            full = own + point.W
            baR, baS = self.parts(of.e * full)
            gR, gS = self.parts(c0 * self.tau)
            own = full[:m]
        else:
            bR, aR = o.box.force(R)
            bS, aS = o.box.force(S)
            gR, baR = self.R.right(bR, aR)
            gS, baS = self.S.right(bS, aS)
            own = own + point.W
        xi = -(1.0 - o.c) * p1 + o.c * p2 + bt * self.on_xi
        rho = (-(1.0 - o.c) * p1 - o.c * p2) * o.moving + bt * self.on_h
        b = np.empty((m, d + 1))
        b[:, :d] = own + baR + o.spread(xi).T @ of.X + o.C.T @ baS - (self.wR * gR)[:, None] * self.cR
        b[:, d] = np.bincount(o.i, rho, minlength=m) + self.wR * gR
        r = first + gS + np.bincount(o.v, bt / self.D, minlength=of.count)
        lift = np.tile(bZ / (self.wZ + self.all), of.count // of.n)
        force = self.pushed(r) - self.gamma * lift
        # the rest of the row's share of lambda lies in side x q: it goes through F with force
        b += (force @ self.F).reshape(m, d + 1)
        dx = self.newton(b)
        dU, dh = dx[:, :d], dx[:, d] * o.moving
        moved = self.F @ dx.ravel()
        phi = force - self.pushed(moved)
        dZ = (bZ + of.folded(self.gamma * (r - moved))) / (self.wZ + self.all)
        dq = o.q_of(dU)
        xi = (of.X @ dU.T)[o.v, o.i]
        dt = (bt - phi[o.v]) / self.D + self.on_xi * xi + self.on_h * dh[o.i]
        more = {"t": dt, "Z": dZ}
        if o.ball:
            dH = gS - self.tauS * phi + (self.cS * dq).sum(axis=1)
            heights = np.concatenate([dh, dH])
            blocks = np.concatenate([dU, of.e * dU, of.e * dq])
            tops = np.concatenate([sc.t_of(c0, blocks)[:m], heights])
        else:
            push = self.wR * (dh - (self.cR * dU).sum(axis=1) - gR)
            more["R"] = self.R.back(bR, push, dU)
            more["S"] = self.S.back(bS, -phi, dq)
            blocks, tops = dU, sc.t_of(c0, dU)
        move = _cones.Point(blocks, tops, np.zeros_like(blocks), dtau, [], [], more)
        move.s = o.rows(move)
        move.z = [(c - b * da) / a for a, b, c, da in zip(point.s, point.z, rows, move.s)]
        if o.ball:
            dT, dV = self.cones(q0, q1, tops, blocks)
            move.tau[m:], move.W[m:] = dT[m:], dV[m:]
        z = [b + db for b, db in zip(point.z, move.z)]
        move.W[:m] = -point.W[:m] - o.on_units(z, point.W + move.W)
        return move

    def cones(self, q0, q1, dt, dU):
        """d(tau, W) = raw right-hand side - W^-2 (dt, dU)."""
        sc = self.scaling
        c0, c1 = sc.eliminated(q0, q1, 0.0)
        c1 = c1 - (2.0 * sc.nu0 * c0 / sc.k)[:, None] * sc.nu1
        along = _cones.dot(sc.nu1, dU)
        t0 = sc.scale * (sc.k * dt - 2.0 * sc.nu0 * along)
        t1 = sc.scale[:, None] * (dU + sc.nu1 * (2.0 * along - 2.0 * sc.nu0 * dt)[:, None])
        return c0 - t0, c1 - t1


def lengths(U):
    return float(np.sqrt((U**2).sum(axis=1)).sum())


def each(loss, margins, y):
    """The loss of every point from the margins of its rows."""
    if loss.labels:
        return loss.points(y * margins, y)
    up, down = margins.reshape(2, -1)[::-1]  # rows of -f, then of f (see the sides of the loss)
    return loss.points(np.maximum(y - up, -down - y), np.zeros_like(y))


def risk(loss, margins, y):
    return loss.total(each(loss, margins, y))
