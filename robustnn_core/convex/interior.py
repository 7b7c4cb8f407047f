r"""A structured primal-dual interior point for the convex program.

The 2P blocks (v_i, then w_i) meet only in the predictions :math:`p = \sum_b F_b u_b`, :math:`F_b = \pm D_iX`. So a
Newton step costs a Cholesky factor of size d for each block and one of size n for all: P(n d^2 + n^2 d) operations.
All three losses give the same system, :math:`K = I + \Delta^{1/2}\sum_b F_bH_b^{-1}F_b^\top\Delta^{1/2}`, and differ
in the diagonal :math:`\Delta` only: 1 (squared), L'' (logistic), the slacks of :math:`\xi_k \ge 0,\
\xi_k \ge 1 - y_kp_k` eliminated (hinge). With more points than block entries the same system is solved in the
:math:`v_i - w_i`, a factor of size Pd: memory nP + (Pd)^2, operations linear in n. Every iterate is strictly feasible, so each gives a bracket.
"""

import time

import numpy as np
from numba import njit
from scipy.linalg import blas, lapack

from robustnn_core.convex import program

#: How far a cone may fall behind the mean complementarity.
WIDE = 1e-2
#: Entries of the products of pairs of columns that are kept; more points come in slices of that size.
PAIRS = 20_000_000


def _young(p, r, y):
    """L(p) + L*(r) - r.p >= 0 of the mean logistic loss: what the pair (p, r) adds to the duality gap."""
    q = -len(y) * y * r
    return float((np.logaddexp(0.0, -y * p) + q * np.log(q) + (1.0 - q) * np.log1p(-q) + q * (y * p)).mean())


# Compiled at the import, not on the clock of the first fit; a single row has no Fortran order, hence the second form.
@njit(["void(f8[::1, :], i8[::1], f8[::1, :])", "void(f8[:, :], i8[::1], f8[:, :])"], cache=True)
def _add(M, rows, part):
    """M[rows, rows] += part, lower halves only."""
    for j in range(len(rows)):
        for i in range(j, len(rows)):
            M[rows[i], rows[j]] += part[i, j]


class _Blocks:
    """The products with F and G of all blocks at once; D_i X is never formed."""

    def __init__(self, X, active):
        self.X, self.n, self.d = X, *X.shape
        A = np.ascontiguousarray(active.T)
        self.P = len(A)
        self.A = A  # the diagonals of the D_i; those of sigma_b D_b are A and -A
        self.E = np.tile(2.0 * A - 1.0, (2, 1))
        self.rows = [np.flatnonzero(a) for a in A]
        self.iu = np.tril_indices(self.d)
        width = len(self.iu[0])
        self.chunk = self.n if self.n * width <= PAIRS else max(1, PAIRS // width)
        self.kept = self._pairs(slice(None)) if self.chunk == self.n else None
        self.tall = _operations(self.n, self.d, self.P, True) < _operations(self.n, self.d, self.P, False)
        if not self.tall:  # kept, as fresh pages of memory cost as much as the products that fill them
            self.M, self.part = np.empty((self.n, self.n), order="F"), np.zeros(self.n**2)

    def _pairs(self, rows):
        return np.ascontiguousarray(self.X[rows][:, self.iu[0]] * self.X[rows][:, self.iu[1]])

    def _chunks(self):
        """Slices of the rows, with the products of pairs of columns there."""
        if self.kept is not None:
            yield slice(None), self.kept
            return
        for low in range(0, self.n, self.chunk):
            rows = slice(low, low + self.chunk)
            yield rows, self._pairs(rows)

    def G(self, U):
        return self.E * (U @ self.X.T)

    def Gt(self, V):
        return (self.E * V) @ self.X

    def predict(self, U):
        return np.einsum("ik,ik->k", self.A, (U[: self.P] - U[self.P :]) @ self.X.T)

    def Ft(self, r):
        half = (self.A * r) @ self.X
        return np.concatenate([half, -half])

    def grams(self, Q):
        """X^T diag(q_b) X for every row q_b of ``Q``: one product with the pairs of columns."""
        flat = sum(Q[:, rows] @ pairs for rows, pairs in self._chunks())
        H = np.empty((len(Q), self.d, self.d))
        H[:, self.iu[0], self.iu[1]] = flat
        H[:, self.iu[1], self.iu[0]] = flat
        return H

    def meeting(self, root, R):
        """The lower half of I + sum_i (root D_i X R_i)(root D_i X R_i)^T, in Fortran order."""
        X, M = root[:, None] * self.X, self.M
        M[:] = 0.0
        M[np.arange(self.n), np.arange(self.n)] = 1.0
        for rows, R_i in zip(self.rows, R, strict=True):
            m = len(rows)
            part = self.part[: m * m].reshape((m, m), order="F")
            _add(M, rows, blas.dsyrk(1.0, (X[rows] @ R_i).T, trans=1, lower=1, c=part, overwrite_c=1))
        return M

    def normal(self, delta):
        """sum over the rows of delta_k (d_k x_k)(d_k x_k)^T, (Pd, Pd): the pairs of patterns times those of columns."""
        P, d = self.P, self.d
        first, second = np.tril_indices(P)
        A = self.A
        flat = 0.0
        for rows, pairs in self._chunks():
            step = max(1, PAIRS // len(first))
            part, weight = A[:, rows], delta[rows]
            for low in range(0, len(weight), step):
                some = slice(low, low + step)
                both = part[first, some] * (part[second, some] * weight[some])
                flat = flat + both @ pairs[some]
        C = np.empty((P, d, P, d))
        for k, (i, j) in enumerate(zip(first, second, strict=True)):
            block = np.empty((d, d))
            block[self.iu] = flat[k]
            block[self.iu[1], self.iu[0]] = flat[k]
            C[i, :, j] = block
            C[j, :, i] = block
        return C.reshape(P * d, P * d)


def _operations(n, d, P, tall):
    """Multiplications of an iteration: by the system in the (v_i - w_i) where there are many points, else in f."""
    grams = P * n * d * d
    if tall:
        return grams + 0.25 * n * P * P * d * d + (P * d) ** 3 / 6.0
    return grams + 2.0 * P * d**3 + 0.5 * P * n * d * d + 0.125 * P * n * n * d + n**3 / 6.0


def _inverse_factors(H):
    """L^{-1} of H = L L^T for every block; a block that breaks is retried with more on its diagonal."""
    out = np.empty_like(H)
    for b in range(len(H)):
        top, eps = H[b].diagonal().max(), 0.0
        while True:
            A = H[b] if eps == 0.0 else H[b] + eps * top * np.eye(H.shape[1])
            L, bad = lapack.dpotrf(A.T, lower=1, clean=1)
            if not bad:
                break
            eps = max(10.0 * eps, 1e-15)
            if eps > 1.0:
                raise FloatingPointError("a block has no factor")
        out[b] = lapack.dtrtri(L, lower=1)[0]
    return out


def _roots(Li):
    """R_i with R_i R_i^T = H_v^{-1} + H_w^{-1}: a pattern's two blocks act on the predictions as one."""
    inverse = np.matmul(Li.transpose(0, 2, 1), Li)
    P = len(Li) // 2
    C = inverse[:P] + inverse[P:]
    top = np.trace(C, axis1=1, axis2=2)[:, None, None] * np.eye(C.shape[1])
    for eps in (0.0, 1e-16, 1e-15, 1e-14, 1e-13):
        try:
            return np.linalg.cholesky(C + eps * top)
        except np.linalg.LinAlgError:
            continue
    raise FloatingPointError("a pattern has no factor")


def _center(blocks, gates, steps=12):
    """Analytic centres of the cones cut by the ball: damped Newton on sum log(E X a) - n |a|^2 / 2 from the gates."""
    P, n, d = blocks.P, blocks.n, blocks.d
    A = gates / np.linalg.norm(gates, axis=1, keepdims=True)
    E = blocks.E[:P]
    for _ in range(steps):
        s = E * (A @ blocks.X.T)
        grad = (E / s) @ blocks.X - n * A
        H = blocks.grams(1.0 / s**2)
        H[:, np.arange(d), np.arange(d)] += n
        step = np.linalg.solve(H, grad[:, :, None])[:, :, 0]
        size = np.sqrt(np.maximum((grad * step).sum(axis=1), 0.0))
        A = A + step / (1.0 + size)[:, None]
        if size.max() < 0.5:
            break
    return A / np.linalg.norm(A, axis=1, keepdims=True)


def _dot(A, B):
    return np.einsum("bj,bj->b", A, B)


def solve(X, y, active, gates, beta, loss, *, rest=0.0, tol, max_iterations, max_seconds):
    """Return U (2P, d), dual lambda, lower bound, history; ``gates`` (P, d) lie strictly inside their cones.

    ``X`` has no zero row, no pattern is empty. ``rest`` is a constant that belongs to the objective.
    """
    start = time.perf_counter()
    K = _Blocks(X, active.astype(float))
    n, d, P = K.n, K.d, K.P
    B = 2 * P
    history = {"seconds": [], "objective": [], "lower_bound": []}
    best = {
        "upper": program.loss_value(loss, np.zeros(n), y),
        "lower": -np.inf,
        "U": np.zeros((B, d)),
        "dual": np.zeros(n),
    }

    # A strictly feasible start whose predictions cancel
    center = _center(K, gates)
    scale = 30.0 * np.linalg.norm(y) / (np.linalg.norm(X) * np.sqrt(B)) or 1.0
    # and as long as the penalty lets all units be together: shorter ones leave no room for the dual cones to come down
    # to beta before mu is at its end
    scale = max(scale, best["upper"] / (B * beta))
    U = np.tile(scale * center, (2, 1))
    S = K.G(U)
    p = K.predict(U)
    r = p - y if loss == "squared" else -0.5 * y / n
    inner = np.linalg.norm(K.Ft(r), axis=1).max()
    bm = max(beta, inner)
    mu = min(0.1 * bm * scale, 10.0 * bm / np.median(np.linalg.norm(K.Gt(1.0 / S), axis=1)))
    xi = m1 = m2 = s1 = s2 = None
    if loss == "hinge":
        c = n * mu  # (1+x) x / (1+2x) = c: the slacks start on the central path
        x = 0.5 * ((2 * c - 1) + np.sqrt((2 * c - 1) ** 2 + 4 * c))
        xi = np.maximum(1.0 - y * p, 0.0) + max(x, 1e-3)
        s1, s2 = xi, xi - 1.0 + y * p
        m2 = s1 / (s1 + s2) / n
        m1 = 1.0 / n - m2
        r = -y * m2
    lam = mu / S
    W = K.Ft(r) - K.Gt(lam)
    wn = np.linalg.norm(W, axis=1)
    tau = np.maximum(beta, 1.5 * np.maximum(wn, wn.mean()))
    t = 1.5 * np.linalg.norm(U, axis=1) + mu / tau
    degree = B * (n + 1) + (2 * n if loss == "hinge" else 0)

    def bracket():
        upper = program.loss_value(loss, p, y) + beta * float(np.linalg.norm(U, axis=1).sum())
        if upper < best["upper"]:
            best["upper"], best["U"] = upper, U
        z = program.clip_dual(loss, -r, y)
        c = np.linalg.norm(K.Ft(z) + K.Gt(lam), axis=1).max() / beta * (1.0 + 1e-12)
        theta, lower = program.best_scale(loss, z, y, 1.0 / max(c, 1e-300))
        if lower > best["lower"]:
            best["lower"], best["dual"] = lower, theta * z
        history["seconds"].append(time.perf_counter() - start)
        history["objective"].append(best["upper"] + rest)
        history["lower_bound"].append(best["lower"] + rest)
        return (best["upper"] - best["lower"]) / max(1e-12, abs(best["upper"] + rest))

    stalled = 0
    C = None
    last = lowest = np.inf
    for _ in range(max_iterations):
        gap = bracket()
        if gap <= tol or time.perf_counter() - start > max_seconds:
            break
        mu = float((S * lam).sum() + t @ tau + (U * W).sum())
        if loss == "hinge":
            mu += float(s1 @ m1 + s2 @ m2)
        mu /= degree
        # Early on mu falls while the gap is still 1: only both standing still is a stall
        stalled = stalled + 1 if gap > 0.98 * last and mu > 0.9 * lowest else 0
        last, lowest = min(last, gap), min(lowest, mu)
        if stalled >= 8:
            break

        # Nesterov-Todd scaling of the norm cones
        un, wn = np.linalg.norm(U, axis=1), np.linalg.norm(W, axis=1)
        dq, dx = np.sqrt((t - un) * (t + un)), np.sqrt((tau - wn) * (tau + wn))
        eta = np.sqrt(dq / dx)
        q0, q1, x0, x1 = t / dq, U / dq[:, None], tau / dx, W / dx[:, None]
        gamma = np.sqrt(0.5 * (1.0 + q0 * x0 + _dot(q1, x1)))
        nu1 = (q1 - x1) / (2.0 * gamma)[:, None]
        nn = _dot(nu1, nu1)
        nu0 = np.sqrt(1.0 + nn)
        a, k = 1.0 / eta**2, 2.0 * nn + 1.0

        def scaled(b0, b1, eta=eta, nu0=nu0, nu1=nu1):
            e = _dot(nu1, b1)
            return eta * (nu0 * b0 + e), eta[:, None] * (b1 + nu1 * (b0 + e / (1.0 + nu0))[:, None])

        def unscaled(b0, b1, eta=eta, nu0=nu0, nu1=nu1):
            e = _dot(nu1, b1)
            return (nu0 * b0 - e) / eta, (b1 + nu1 * (e / (1.0 + nu0) - b0)[:, None]) / eta[:, None]

        l0, l1 = scaled(tau, W)
        ll = l0**2 - _dot(l1, l1)
        if not (np.isfinite(l0).all() and (ll > 0).all()):
            break

        # The diagonal of the loss
        if loss == "squared":
            delta = np.ones(n)
        elif loss == "logistic":
            # Newton's equation for y p = log((1 - q) / q), q = -n y r in (0, 1): on the flat side of the loss p moves
            # by 1 when q moves by its own size, where r = L'(p) would throw it far out
            q = -n * y * r
            delta = np.maximum(q * (1.0 - q) / n, 1e-300)
            behind = delta * (p - y * (np.log1p(-q) - np.log(q)))
            lag = _young(p, r, y)
        else:
            a1, a2 = m1 / s1, m2 / s2
            delta = a1 * a2 / (a1 + a2)
        root = np.sqrt(delta)

        # Factors: L_b^{-1}, K
        ratio = lam / S
        H = K.grams(ratio)
        nuhat = nu1 / np.sqrt(np.maximum(nn, 1e-300))[:, None]
        H += (a * (1.0 / k - 1.0))[:, None, None] * (nuhat[:, :, None] * nuhat[:, None, :])
        H[:, np.arange(d), np.arange(d)] += a[:, None]
        Li = Si = None
        try:
            if K.tall:
                # With q = dv - dw, T = A^T Delta A q: H_v dv = g_v - T, H_w dw = g_w + T, so with S = H_v + H_w
                # (N^{-1} + A^T Delta A) q = H_w S^{-1} g_v - H_v S^{-1} g_w, N^{-1} = H_v S^{-1} H_w, and
                # S dv = g_v + g_w + H_w q, S dw = g_v + g_w - H_v q: nothing is divided by the flat directions of one H
                if C is None or loss != "squared":
                    C = K.normal(delta)
                Si = _inverse_factors(H[:P] + H[P:])
                Ninv = np.matmul(
                    np.matmul(H[:P], Si.transpose(0, 2, 1)), np.matmul(Si, H[P:])
                )  # N^{-1} = H_v S^{-1} H_w
                Ninv = 0.5 * (Ninv + Ninv.transpose(0, 2, 1))
                M = C.copy()
                for i in range(P):
                    M[i * d : i * d + d, i * d : i * d + d] += Ninv[i]
            else:
                Li = _inverse_factors(H)
                M = K.meeting(root, _roots(Li))
        except FloatingPointError:
            break
        LK, bad = lapack.dpotrf(M.T if K.tall else M, lower=1, clean=0, overwrite_a=1)
        if bad:
            break

        def base(g, e, Li=Li, LK=LK, H=H, Si=Si, root=root):
            """Solve H du + F^T f = g, Delta^{1/2} F du - Delta^{-1/2} f = e by the factors."""
            if K.tall:
                g = g + K.Ft(root * e)
                Hv, Hw, gv, gw = H[:P], H[P:], g[:P], g[P:]

                def over(rhs):
                    return np.einsum("bji,bj->bi", Si, np.einsum("bij,bj->bi", Si, rhs))

                q = np.einsum("bij,bj->bi", Hw, over(gv)) - np.einsum("bij,bj->bi", Hv, over(gw))
                q = lapack.dpotrs(LK, q.ravel(), lower=1)[0].reshape(P, d)
                both = gv + gw
                dv, dw = over(both + np.einsum("bij,bj->bi", Hw, q)), over(both - np.einsum("bij,bj->bi", Hv, q))
                du = np.concatenate([dv, dw])
                return du, root * K.predict(du) - e
            Lt = Li.transpose(0, 2, 1)
            h = np.matmul(Li, g[:, :, None])
            f = root * K.predict(np.matmul(Lt, h)[:, :, 0]) - e
            f = lapack.dpotrs(LK, f, lower=1)[0]
            h -= np.matmul(Li, K.Ft(root * f)[:, :, None])
            return np.matmul(Lt, h)[:, :, 0], f

        fine = max(1e-13, min(1e-8, 1e-4 * gap))  # a direction need not be more exact than that

        def linear(g, ratio=ratio, a=a, k=k, nuhat=nuhat, root=root):
            """The same with refinement; f comes with du, as Delta F du cancels where Delta is large."""
            du, f = base(g, np.zeros(n))
            err = np.inf
            for _ in range(3):
                along = _dot(nuhat, du)
                Hdu = a[:, None] * (du + nuhat * ((1.0 / k - 1.0) * along)[:, None]) + K.Gt(ratio * K.G(du))
                res, tail = g - Hdu - K.Ft(root * f), f - root * K.predict(du)
                now = np.linalg.norm(res) / np.linalg.norm(g) + np.linalg.norm(tail) / max(np.linalg.norm(f), 1e-300)
                if now <= fine or now > 0.5 * err:
                    break
                err = now
                more, extra = base(res, tail)
                du, f = du + more, f + extra
            return du, root * f

        rd = K.Ft(r) - W - K.Gt(lam)
        dtau = beta - tau

        def direction(c0, c1, pl, h1, h2):
            """The Newton step for the right-hand sides of the norm cones, of the rows, of the hinge slacks."""
            xi0 = (l0 * c0 - _dot(l1, c1)) / ll
            xi1 = (c1 - l1 * xi0[:, None]) / l0[:, None]
            c0, c1 = unscaled(xi0, xi1)
            c0 = c0 - dtau
            if loss == "squared":
                e0 = np.zeros(n)
            elif loss == "logistic":
                e0 = behind
            else:
                e0 = -y * (a1 * (h2 / s2) - a2 * (h1 / s1)) / (a1 + a2)
            g = -rd + c1 + (2.0 * nu0 * c0 / k)[:, None] * nu1 + K.Gt(pl / S) - K.Ft(e0)
            du, f = linear(g)
            dS = K.G(du)
            dlam = (pl - lam * dS) / S
            dt = (c0 / a + 2.0 * nu0 * _dot(nu1, du)) / k
            dp = K.predict(du)
            dr = f + e0
            dW = rd + K.Ft(dr) - K.Gt(dlam)
            dxi = None if loss != "hinge" else (h1 / s1 + h2 / s2 - a2 * y * dp) / (a1 + a2)
            return du, dS, dlam, dt, dp, dr, dW, dxi

        def longest(v, dv):
            ratio = -dv / v
            top = float(ratio.max())
            return 1.0 / top if top > 0 else np.inf

        def norm_longest(b0, b1, e0, e1):
            """Largest step that keeps every (b0, b1) + step (e0, e1) in the cone."""
            size = np.linalg.norm(b1, axis=1)
            qa = e0**2 - _dot(e1, e1)
            qb = b0 * e0 - _dot(b1, e1)
            qc = (b0 - size) * (b0 + size)
            disc = qb**2 - qa * qc
            with np.errstate(divide="ignore", invalid="ignore"):
                near = qc / (-qb + np.sqrt(np.maximum(disc, 0.0)))
                steps = np.where((disc >= 0.0) & (near > 0.0), near, np.inf)
                steps = np.minimum(steps, np.where(e0 < 0.0, -b0 / e0, np.inf))
            return float(steps.min())

        def step_size(z):
            du, dS, dlam, dt, dp, dr, dW, dxi = z
            top = min(longest(S, dS), longest(lam, dlam), norm_longest(t, U, dt, du), norm_longest(tau, W, dtau, dW))
            if loss == "hinge":
                dm = y * dr
                top = min(top, longest(s1, dxi), longest(s2, dxi + y * dp), longest(m1, dm), longest(m2, -dm))
            return top

        h1 = h2 = None
        if loss == "hinge":
            h1, h2 = -s1 * m1, -s2 * m2
        z = direction(-(l0**2 + _dot(l1, l1)), -2.0 * l0[:, None] * l1, -S * lam, h1, h2)
        alpha = min(1.0, step_size(z))
        du, dS, dlam, dt, dp, dr, dW, dxi = z
        after = float(((S + alpha * dS) * (lam + alpha * dlam)).sum() + (t + alpha * dt) @ (tau + alpha * dtau))
        after += float(((U + alpha * du) * (W + alpha * dW)).sum())
        if loss == "hinge":
            after += float((s1 + alpha * dxi) @ (m1 + alpha * y * dr))
            after += float((s2 + alpha * (dxi + y * dp)) @ (m2 - alpha * y * dr))
        sigma = min(1.0, max(after / degree / mu, 0.0)) ** 3
        target = sigma * mu
        if loss == "logistic":  # mu must not run ahead of the smooth loss, whose equation is solved by the same steps
            target = max(target, lag / degree)
        A0, A1 = unscaled(dt, du)
        B0, B1 = scaled(dtau, dW)
        k0, k1 = A0 * B0 + _dot(A1, B1), A0[:, None] * B1 + B0[:, None] * A1
        if loss == "hinge":
            h1 = target - s1 * m1 - dxi * (y * dr)
            h2 = target - s2 * m2 + (dxi + y * dp) * (y * dr)
        z = direction(
            target - (l0**2 + _dot(l1, l1)) - k0,
            -2.0 * l0[:, None] * l1 - k1,
            target - S * lam - dS * dlam,
            h1,
            h2,
        )
        alpha = min(1.0, 0.99 * step_size(z))
        du, dS, dlam, dt, dp, dr, dW, dxi = z
        if not np.isfinite(alpha) or alpha < 1e-9:
            break
        while True:  # rounding in the recomputed slacks
            nU = U + alpha * du
            nS = K.G(nU)
            if (nS > 0.0).all() or alpha < 1e-9:
                break
            alpha *= 0.9
        if alpha < 1e-9:
            break
        if loss == "logistic":

            def inside(alpha, q=q, dr=dr):
                """r + alpha dr, each multiplier kept in its interval: what that leaves in the dual equation goes next."""
                new = np.clip(q - alpha * n * y * dr, 0.1 * q, 1.0 - 0.1 * (1.0 - q))
                return -y * np.clip(new, 1e-15, 1.0 - 1e-15) / n

        for _ in range(
            60
        ):  # stay near the central path: a cone or the smooth loss far behind mu blocks all later steps
            nt, ntau, nW = t + alpha * dt, tau + alpha * dtau, W + alpha * dW
            nlam = lam + alpha * dlam
            un, wn = np.linalg.norm(nU, axis=1), np.linalg.norm(nW, axis=1)
            inner = np.sqrt(np.maximum((nt - un) * (nt + un), 0.0) * np.maximum((ntau - wn) * (ntau + wn), 0.0))
            rows = nS * nlam
            total = float(rows.sum() + nt @ ntau + (nU * nW).sum())
            if loss == "hinge":
                h1, h2 = (
                    (s1 + alpha * dxi) * (m1 + alpha * y * dr),
                    (s2 + alpha * (dxi + y * dp)) * (m2 - alpha * y * dr),
                )
                total += float(h1.sum() + h2.sum())
                rows = np.minimum(rows.min(), min(h1.min(), h2.min()))
            now = total / degree
            fine = inner.min() >= WIDE * now and rows.min() >= WIDE * 1e-1 * now
            if fine and loss == "logistic":
                fine = _young(K.predict(nU), inside(alpha), y) <= max(3.0 * total, (1.0 - 0.1 * alpha) * lag)
            if fine:
                break
            alpha *= 0.8
            nU = U + alpha * du
            nS = K.G(nU)
        U, S = nU, nS
        lam, t, tau, W = lam + alpha * dlam, t + alpha * dt, tau + alpha * dtau, W + alpha * dW
        p = K.predict(U)
        if loss == "squared":
            r = p - y
        elif loss == "logistic":
            r = inside(alpha)
        else:
            r = r + alpha * dr
            xi = xi + alpha * dxi
            s1, s2 = xi, xi - 1.0 + y * p
            m1, m2 = m1 + alpha * (y * dr), m2 - alpha * (y * dr)
            if not ((s2 > 0).all() and (m1 > 0).all() and (m2 > 0).all()):
                break
    else:
        bracket()
    return best["U"], best["dual"], best["lower"] + rest, history
