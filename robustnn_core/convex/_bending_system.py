"""The linear system of a step of :mod:`~robustnn_core.convex._bending`: elimination, factor, direction."""

import numpy as np
from scipy import linalg

from robustnn_core.convex import _cones


class Box:
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


class System:
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
            self.R, self.S = Box(of.e), Box(of.e)
            self.tauR, cR, resR = self.R.eliminate(*R)
            self.tauS, self.cS, self.res = self.S.eliminate(*S)
        self.cR = cR
        self.wR = 1.0 / np.maximum(self.tauR, 1e-300) if o.moving else np.ones(m)
        self.H = self.unit_blocks(quad, resR)
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

    def unit_blocks(self, quad, resR):
        """Units and their h: one block each, (m, d + 1, d + 1)."""
        o, of, m, d, scaling, cR = self.o, self.o.of, self.o.m, self.o.d, self.scaling, self.cR
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
        return H

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

    def solve(self, rows, q0, q1, refined=True):
        """The direction for the right-hand sides of the rows and of the norm cones, refined always."""
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
