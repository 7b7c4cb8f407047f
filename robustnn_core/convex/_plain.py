r"""The plain convex program as a model of the interior point.

The 2P blocks (v_i, then w_i) meet only in the predictions :math:`p = \sum_b F_b u_b`, :math:`F_b = \pm D_iX`. So a
Newton step costs a Cholesky factor of size d for each block and one of size n for all: P(n d^2 + n^2 d) operations.
All losses give the same system, :math:`K = I + \Delta^{1/2}\sum_b F_bH_b^{-1}F_b^\top\Delta^{1/2}`, and differ in the
diagonal :math:`\Delta` only (:mod:`~robustnn_core.convex._slacks`). With more points than block entries the same
system is solved in the :math:`v_i - w_i`, a factor of size Pd: memory nP + (Pd)^2, operations linear in n.
"""

import numpy as np
from scipy.linalg import blas, lapack

from robustnn_core.convex import _cones, interior
from robustnn_core.convex._kernels import add as _add
from robustnn_core.convex._kernels import mask as _mask
from robustnn_core.convex._kernels import unpack as _unpack

#: Entries of the products of pairs of columns that are kept; more points come in slices of that size.
PAIRS = 20_000_000
#: Factors are in single precision while the gap is above this ...
COARSE = 1e-2
#: ... and an iteration has more operations than this.
LARGE = 1e8
#: Up to this many n n d the patterns are multiplied together.
TOGETHER = 2_000_000


def operations(n, d, P, tall):
    """Multiplications of an iteration: by the system in the (v_i - w_i) where there are many points, else in f."""
    grams = P * n * d * d
    if tall:
        return grams + 0.25 * n * P * P * d * d + (P * d) ** 3 / 6.0
    return grams + 2.0 * P * d**3 + 0.5 * P * n * d * d + 0.125 * P * n * n * d + n**3 / 6.0


class Blocks:
    """The products with F and G of all blocks at once; D_i X is never formed."""

    def __init__(self, X, active):
        self.X, self.n, self.d = X, *X.shape
        A = np.ascontiguousarray(active.T)
        self.P = len(A)
        self.A = A  # the diagonals of the D_i; those of sigma_b D_b are A and -A
        self.E = np.tile(2.0 * A - 1.0, (2, 1))
        self.active = A > 0.0
        self.rows = [np.flatnonzero(a) for a in A]
        self.iu = np.tril_indices(self.d)
        width = len(self.iu[0])
        self.chunk = self.n if self.n * width <= PAIRS else max(1, PAIRS // width)
        self.kept = self._pairs(slice(None)) if self.chunk == self.n else None
        self.tall = operations(self.n, self.d, self.P, True) < operations(self.n, self.d, self.P, False)
        self.single = None  # ``kept`` in single precision, made when it is asked for

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

    def flat(self, Q):
        """The lower halves of X^T diag(q_b) X for every row q_b of ``Q``: one product with the pairs of columns."""
        if Q.dtype == np.float32 and self.kept is not None:
            if self.single is None:
                self.single = self.kept.astype(np.float32)
            return Q @ self.single
        return sum(Q[:, rows] @ pairs for rows, pairs in self._chunks())

    def grams(self, Q):
        """X^T diag(q_b) X for every row q_b of ``Q``."""
        H = np.empty((len(Q), self.d, self.d), Q.dtype)
        _unpack(self.flat(Q), H)
        return H

    def meeting(self, root, R):
        """The lower half of I + sum_i (root D_i X R_i)(root D_i X R_i)^T, in Fortran order; R_i lower triangular."""
        dtype = R.dtype.type
        X, n, d = (root[:, None] * self.X).astype(dtype, copy=False), self.n, self.d
        M = np.zeros((n, n), dtype, order="F")
        M[np.diag_indices(n)] = 1.0
        syrk, trmm = (blas.ssyrk, blas.strmm) if dtype is np.float32 else (blas.dsyrk, blas.dtrmm)
        if n * n * d < TOGETHER:  # many small products cost more than one with zeros in it
            Y = X @ R.transpose(1, 0, 2).reshape(d, -1)
            _mask(Y, self.active, d)
            return syrk(1.0, Y.T, trans=1, lower=1, beta=1.0, c=M, overwrite_c=1)
        for rows, R_i in zip(self.rows, R, strict=True):
            # (X R)^T = R^T X^T, the transposed views are in Fortran order
            Y = trmm(1.0, R_i.T, X[rows].T, lower=0, overwrite_b=1)
            _add(M, rows, syrk(1.0, Y, trans=1, lower=1))
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


def roots(inverse):
    """R_i, lower triangular, with R_i R_i^T = H_v^{-1} + H_w^{-1}: a pattern's two blocks act as one."""
    P = len(inverse) // 2
    C = inverse[:P] + inverse[P:]
    top = np.trace(C, axis1=1, axis2=2)[:, None, None] * np.eye(C.shape[1], dtype=C.dtype)
    for eps in (0.0, 1e-16, 1e-15, 1e-14, 1e-13):
        try:
            return np.linalg.cholesky(C + C.dtype.type(eps) * top if eps else C)
        except np.linalg.LinAlgError:
            continue
    raise _cones.Broken("a pattern has no factor")


def center(blocks, gates, steps=12):
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


class Plain(interior.Model):
    """Blocks U (2P, d), rows S = G U > 0 with multipliers lambda, and the slacks of the loss.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        Without a zero row.
    y, active, beta
        No pattern is empty.
    gates : ndarray, shape (P, d)
        Strictly inside their cones.
    loss : losses.Loss
    """

    def __init__(self, X, y, active, gates, beta, loss):
        self.K = Blocks(X, active.astype(float))
        self.y, self.gates, self.beta, self.loss = y, gates, beta, loss
        self.form = loss.slacks(y)
        self.constant = None  # the matrix of the predictions, where the diagonal of the loss never changes

    def start(self):
        """Blocks along the centres of their cones, so that the predictions cancel; multipliers on the central path."""
        K, beta, form = self.K, self.beta, self.form
        B = 2 * K.P
        central = center(K, self.gates)
        scale = 30.0 * np.linalg.norm(self.y) / (np.linalg.norm(K.X) * np.sqrt(B)) or 1.0
        # and as long as the penalty lets all units be together: shorter ones leave no room for the dual cones to come
        # down to beta before mu is at its end
        scale = max(scale, self.loss.value(np.zeros(K.n), self.y) / (B * beta))
        U = np.tile(scale * central, (2, 1))
        S, p = K.G(U), K.predict(U)
        bm = max(beta, np.linalg.norm(K.Ft(form.guess(p)), axis=1).max())
        mu = min(0.1 * bm * scale, 10.0 * bm / np.median(np.linalg.norm(K.Gt(1.0 / S), axis=1)))
        r, s, z = form.start(p, mu)
        lam = mu / S
        W = K.Ft(r) - K.Gt(lam)
        wn = np.linalg.norm(W, axis=1)
        tau = np.maximum(beta, 1.5 * np.maximum(wn, wn.mean()))
        t = 1.5 * np.linalg.norm(U, axis=1) + mu / tau
        self.degree = B * (K.n + 1) + sum(part.size for part in s)
        return _cones.Point(U, t, W, tau, [S, *s], [lam, *z], {"p": p, "r": r})

    def certify(self, point, bracket):
        K, loss, y = self.K, self.loss, self.y
        upper = loss.value(point.more["p"], y) + self.beta * float(np.linalg.norm(point.U, axis=1).sum())
        bracket.offer(upper, point.U)
        z = loss.clip(-point.more["r"], y)
        c = np.linalg.norm(K.Ft(z) + K.Gt(point.z[0]), axis=1).max() / self.beta * (1.0 + 1e-12)
        theta, lower = loss.scale(z, y, 1.0 / max(c, 1e-300))
        bracket.bound(lower, (theta * z, theta * point.z[0]))

    def system(self, point, scaling, gap):
        return _System(self, point, scaling, gap)

    def settle(self, point, move, length):
        new = point.moved(move, length)
        new.s[0] = self.K.G(new.U)
        p, old = self.K.predict(new.U), point.more["r"]
        r, s, z = self.form.settle(p, old, new.s[1:], new.z[1:], move.more["r"], length)
        return _cones.Point(new.U, new.t, new.W, new.tau, [new.s[0], *s], [new.z[0], *z], {"p": p, "r": r})

    def near(self, point, total, length, lag):
        return self.form.near(point.more["p"], point.more["r"], total, length, lag)


class _System:
    """The Newton system at a point, factorised once for predictor and corrector."""

    def __init__(self, model, point, scaling, gap):
        K, self.model, self.point, self.scaling = model.K, model, point, scaling
        self.view = model.form.view(point.more["p"], point.more["r"], point.s[1:], point.z[1:])
        self.lag = self.view.lag
        self.root = np.sqrt(self.view.delta)
        self.ratio = point.z[0] / point.s[0]
        self.sharp = gap <= COARSE  # the predictor is refined too
        self.fine = max(1e-13, min(1e-8, 1e-4 * gap))  # a direction need not be more exact than that
        if K.tall:
            H = K.grams(self.ratio)
            scaling.add_to(H)
            self.factor = self._cholesky(self._tall(H).T)
            return
        coarse = gap > COARSE and operations(K.n, K.d, K.P, False) > LARGE
        for dtype in (np.float32, np.float64) if coarse else (np.float64,):
            try:
                self._wide(dtype)
                return
            except _cones.Broken:
                if dtype is np.float64:
                    raise

    @staticmethod
    def _cholesky(M):
        potrf = lapack.spotrf if M.dtype == np.float32 else lapack.dpotrf
        factor, bad = potrf(M, lower=1, clean=0, overwrite_a=1)
        if bad:
            raise _cones.Broken("the system has no factor")
        return factor

    def _wide(self, dtype):
        """H_b^{-1} and the factor of the system in the predictions; rounding is what the refinement is for."""
        K = self.model.K
        H = K.grams(self.ratio.astype(dtype, copy=False))
        self.scaling.add_to(H)
        self.half, whole = _cones.inverse_factors(H, whole=True)
        self.factor = self._cholesky(K.meeting(self.root, roots(whole)))

    def _tall(self, H):
        K, model = self.model.K, self.model
        C = model.constant
        if C is None:
            C = K.normal(self.view.delta)
            model.constant = C if model.form.constant else None
        self.pairs = _cones.Pairs(H)
        M, d = C.copy(), K.d
        for i, own in enumerate(self.pairs.parallel()):
            M[i * d : i * d + d, i * d : i * d + d] += own
        return M

    def base(self, g, e):
        """Solve H du + F^T f = g, Delta^{1/2} F du - Delta^{-1/2} f = e by the factors."""
        K, root = self.model.K, self.root
        if K.tall:
            g = g + K.Ft(root * e)
            q = lapack.dpotrs(self.factor, self.pairs.reduced(g).ravel(), lower=1)[0].reshape(K.P, K.d)
            du = self.pairs.restored(g, q)
            return du, root * K.predict(du) - e
        own, dtype = self.half, self.half.dtype
        potrs = lapack.spotrs if dtype == np.float32 else lapack.dpotrs

        def over(rhs):  # L^{-T} L^{-1}: the product of the two would lose half of the digits
            part = np.matmul(own, rhs.astype(dtype, copy=False)[:, :, None])
            return np.matmul(own.transpose(0, 2, 1), part)[:, :, 0]

        h = over(g)
        f = (root * K.predict(h) - e).astype(dtype, copy=False)
        f = potrs(self.factor, f, lower=1)[0].astype(np.float64, copy=False)
        return h - over(K.Ft(root * f)), f

    def linear(self, g, rounds):
        """The same for e = 0 with refinement; f comes with du, as Delta F du cancels where Delta is large."""
        K, root = self.model.K, self.root
        du, f = self.base(g, np.zeros(K.n))
        err = np.inf
        for _ in range(rounds):
            Hdu = self.scaling.times(du) + K.Gt(self.ratio * K.G(du))
            res, tail = g - Hdu - K.Ft(root * f), f - root * K.predict(du)
            now = np.linalg.norm(res) / np.linalg.norm(g) + np.linalg.norm(tail) / max(np.linalg.norm(f), 1e-300)
            if now <= self.fine or now > 0.5 * err:
                break
            err = now
            more, extra = self.base(res, tail)
            du, f = du + more, f + extra
        return du, root * f

    def solve(self, rows, c0, c1, refined=True):
        """The Newton step for the right-hand sides of the rows, then the loss's slacks, and of the norm cones."""
        model, point, view = self.model, self.point, self.view
        K, (S, *_), (lam, *_) = model.K, point.s, point.z
        rd = K.Ft(point.more["r"]) - point.W - K.Gt(lam)
        dtau = model.beta - point.tau
        c0, own = self.scaling.eliminated(c0, c1, dtau)
        e0 = view.shift(rows[1:])
        du, f = self.linear(-rd + own + K.Gt(rows[0] / S) - K.Ft(e0), 3 if refined or self.sharp else 0)
        dS = K.G(du)
        dlam = (rows[0] - lam * dS) / S
        dp, dr = K.predict(du), f + e0
        dW = rd + K.Ft(dr) - K.Gt(dlam)
        ds, dz = view.moves(rows[1:], dp, dr)
        dt = self.scaling.t_of(c0, du)
        return _cones.Point(du, dt, dW, dtau, [dS, *ds], [dlam, *dz], {"p": dp, "r": dr})
