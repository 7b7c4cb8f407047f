r"""ADMM for the convex program with many points: memory nP + dP, operations ndP an iteration.

With s_b = G_b u_b (rows), z_b = u_b (norms) and p = sum_b F_b u_b split off, the u-step is one linear system,
:math:`(I + G_b^\top G_b)u_b + \kappa F_b^\top\sum_c F_cu_c = h_b`. As :math:`G_b^\top G_b = X^\top X` for every
pattern, the d x d factor of :math:`M = I + X^\top X` serves all blocks, and the coupling is met by conjugate gradients
preconditioned with M: no n x n matrix is formed. The steps are warm, so a few of them are enough.
"""

from itertools import count

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import nnls

#: Over-relaxation, and iterations between two brackets.
RELAX, EVERY = 1.6, 20


def _center(X, E, gates, steps=8):
    """Gates moved towards the analytic centre of their cone, block by block: what a shift along a gate costs is one
    over its margin."""
    n, d = X.shape
    out = gates / np.linalg.norm(gates, axis=1, keepdims=True)
    for i in range(len(out)):
        a, e = out[i], E[:, i]
        for _ in range(steps):
            q = 1.0 / (e * (X @ a))
            grad = X.T @ (e * q) - n * a
            H = (X * (q * q)[:, None]).T @ X + n * np.eye(d)
            step = np.linalg.solve(H, grad)
            size = np.sqrt(max(float(grad @ step), 0.0))
            a = a + step / (1.0 + size)
            if size < 0.5:
                break
        out[i] = a
    return out


def nearest(u, e, A, rounds=20):
    """Return the point of {v : e * Av >= 0} nearest to u, by Moreau: u + R^T x with x >= 0 that makes it shortest.

    The rows R are added as they are violated. A shift along the gate would do too, but is longer by one over the
    margin of the gate, which is small where points are many.
    """
    v, work = u, np.empty(0, dtype=np.intp)
    for _ in range(rounds):
        s = e * (A @ v)
        bad = np.flatnonzero(s < -1e-12 * np.linalg.norm(u))
        bad = np.setdiff1d(bad[np.argsort(s[bad])[: 2 * len(u)]], work)
        if not bad.size:
            break
        work = np.concatenate([work, bad])
        R = e[work, None] * A[work]
        try:
            x, _ = nnls(R.T, -u, maxiter=20 * len(work))
        except RuntimeError:
            break
        v, work = u + x @ R, work[x > 0.0]
    return v


class Splitting:
    """The products of the blocks, rows of unit mean size in the constraints, and the certificate of any (U, r, lam).

    Parameters are those of :class:`~robustnn_core.convex._plain.Plain`.
    """

    def __init__(self, X, y, active, gates, beta, loss):
        self.X, self.y, self.beta, self.loss = X, y, beta, loss
        self.n, self.d = n, d = X.shape
        self.P = active.shape[1]
        self.D = active.astype(float)
        self.E = 2.0 * self.D - 1.0
        unit = X / (np.linalg.norm(X) / np.sqrt(n * d))
        self.factor = cho_factor(np.eye(d) + unit.T @ unit / n * d)  # of I + G_b^T G_b
        self.A = np.sqrt(d / n) * unit  # constraint rows are E A u; the predictions keep their own penalty
        gates = _center(unit, self.E, gates)
        margin = (self.E * (self.A @ gates.T)).min(axis=0)
        self.push = np.tile(gates / margin[:, None], (2, 1))  # E_b A push_b >= 1
        self.reach = np.linalg.norm(self.A, axis=1).max()

    def rows(self, U):
        Z = self.A @ U.T
        return np.concatenate([self.E * Z[:, : self.P], self.E * Z[:, self.P :]], axis=1)

    def rows_t(self, V):
        return np.concatenate([(self.E * V[:, : self.P]).T @ self.A, (self.E * V[:, self.P :]).T @ self.A])

    def predict(self, U):
        return (self.D * (self.X @ (U[: self.P] - U[self.P :]).T)).sum(axis=1)

    def predict_t(self, r):
        half = (self.D * r[:, None]).T @ self.X
        return np.concatenate([half, -half])

    def nearest(self, b, u):
        return nearest(u, self.E[:, b % self.P], self.A)

    def feasible(self, U):
        """Return the blocks nearest to U in the cones, moved along the gates by what rounding leaves outside."""
        outside = np.flatnonzero(self.rows(U).min(axis=0) < 0.0)
        if outside.size:
            U = U.copy()
            for b in outside:
                U[b] = self.nearest(b, U[b])
        for _ in range(3):  # room for the rounding of other orders of summation
            room = 1e-13 * self.reach * np.linalg.norm(U, axis=1)
            need = np.maximum(room - self.rows(U).min(axis=0), 0.0) * (room > 0.0)
            if not need.any():
                break
            U = U + (2.0 * need)[:, None] * self.push
        return np.where((self.rows(U) < 0.0).any(axis=0)[:, None], 0.0, U)

    def certify(self, bracket, U, r, lam):
        """Upper: the nearest blocks in the cones. Lower: the multipliers of the predictions, clipped and scaled."""
        loss, y = self.loss, self.y
        V = self.feasible(U)
        bracket.offer(loss.value(self.predict(V), y) + self.beta * float(np.linalg.norm(V, axis=1).sum()), V)
        z = loss.clip(-r, y)
        g = self.predict_t(z)
        prices = np.linalg.norm(g + self.rows_t(np.maximum(lam, 0.0)), axis=1)
        c = 0.0
        for b in np.argsort(-prices):  # the dearest block decides; its best multipliers are a projection
            if prices[b] <= c:
                break
            c = max(c, min(prices[b], float(np.linalg.norm(self.nearest(b, g[b])))))
        c *= (1.0 + 1e-12) / self.beta
        theta, lower = loss.scale(z, y, 1.0 / max(c, 1e-300))
        bracket.bound(lower, (theta * z, theta * np.maximum(lam, 0.0).T))
        return bracket.record()

    def step(self, U, h, kappa):
        """Return U nearer to the solution of (I + G^T G) U + kappa F^T F U = h: at most eight conjugate gradients."""

        def operator(V):
            return V + self.rows_t(self.rows(V)) + kappa * self.predict_t(self.predict(V))

        res = h - operator(U)
        q = cho_solve(self.factor, res.T).T
        direction, rr = q, float((res * q).sum())
        target = 1e-3 * np.sqrt(rr)
        for _ in range(8):
            if rr <= target * target or rr == 0.0:
                break
            image = operator(direction)
            length = rr / float((direction * image).sum())
            U, res = U + length * direction, res - length * image
            q = cho_solve(self.factor, res.T).T
            rr, before = float((res * q).sum()), rr
            direction = q + (rr / before) * direction
        return U


def solve(X, y, active, gates, beta, loss, bracket, *, gap, max_iter, max_seconds):
    """Close the bracket of the program to ``gap``; see :class:`~robustnn_core.convex._plain.Plain`."""
    A = Splitting(X, y, active, gates, beta, loss)
    # Scales: a norm of a block moves by beta/rho a step, the predictions feel the curvature of the loss
    rho = 10.0 * beta * np.linalg.norm(X) / np.linalg.norm(y)
    kappa = 0.3 * loss.bend(A.n) / rho
    U = np.zeros((2 * A.P, A.d))
    Z, S, p = U.copy(), np.zeros((A.n, 2 * A.P)), np.zeros(A.n)
    dz, ds, dp = U.copy(), S.copy(), p.copy()  # multipliers divided by rho
    for iteration in count(1):
        U = A.step(U, (Z - dz) + A.rows_t(S - ds) + kappa * A.predict_t(p - dp), kappa)
        RU, FU = A.rows(U), A.predict(U)
        old, weight = (Z, S, p), (RELAX, 1.0 - RELAX)
        V, R, q = (weight[0] * a + weight[1] * b + c for a, b, c in ((U, Z, dz), (RU, S, ds), (FU, p, dp)))
        Z = V * np.maximum(1.0 - beta / rho / np.maximum(np.linalg.norm(V, axis=1), 1e-300), 0.0)[:, None]
        S, p = np.maximum(R, 0.0), loss.prox(q, y, rho * kappa, p)
        dz, ds, dp = V - Z, R - S, q - p
        last = iteration >= max_iter or bracket.seconds > max_seconds
        if not last and iteration % EVERY:
            continue
        A.certify(bracket, U, rho * kappa * dp, -rho * ds)
        if A.certify(bracket, Z, rho * kappa * dp, -rho * ds) <= gap or last:
            return bracket
        primal = np.sqrt(((U - Z) ** 2).sum() + ((RU - S) ** 2).sum() + kappa * ((FU - p) ** 2).sum())
        primal /= max(1e-300, np.sqrt((Z**2).sum() + (S**2).sum() + kappa * (p**2).sum()))
        dual = np.linalg.norm((Z - old[0]) + A.rows_t(S - old[1]) + kappa * A.predict_t(p - old[2]))
        dual /= max(1e-300, np.linalg.norm(dz) + np.linalg.norm(A.rows_t(ds)))
        ratio = np.clip(np.sqrt(primal / max(dual, 1e-300)), 0.2, 5.0)
        if ratio > 1.5 or ratio < 1.0 / 1.5:
            rho *= ratio
            dz, ds, dp = dz / ratio, ds / ratio, dp / ratio
