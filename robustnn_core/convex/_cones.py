r"""What every interior point here does with its cones: scaling, longest step, the elimination of a pair of blocks.

A point has norm cones :math:`t_b \ge |u_b|` with multipliers :math:`\tau_b \ge |w_b|`, and slacks :math:`s > 0` with
multipliers :math:`z > 0` in any number of arrays.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lapack

from robustnn_core.convex import _kernels

#: Up to this size blocks are inverted many at once.
SMALL = 48


class Broken(ArithmeticError):
    """Floating point has no room left: the last bracket is the answer."""


@dataclass(eq=False)
class Point:
    """An iterate, or a direction: ``more`` holds what the model adds and moves by the same step length."""

    U: np.ndarray
    t: np.ndarray
    W: np.ndarray
    tau: np.ndarray
    s: list
    z: list
    more: dict = field(default_factory=dict)

    def moved(self, move, length):
        """Return the point ``length`` further along ``move``."""
        return Point(
            *(getattr(self, name) + length * getattr(move, name) for name in ("U", "t", "W", "tau")),
            [a + length * b for a, b in zip(self.s, move.s)],
            [a + length * b for a, b in zip(self.z, move.z)],
            {name: value + length * move.more[name] for name, value in self.more.items()},
        )

    def complementarity(self):
        """Return the sum of all products: degree times mu."""
        total = sum(float((a * b).sum()) for a, b in zip(self.s, self.z))
        return total + float(self.t @ self.tau + (self.U * self.W).sum())


dot = _kernels.dot


class NesterovTodd:
    """The scaling of the norm cones at a point: ``forth`` of (tau, W) equals ``back`` of (t, U), here (l0, l1).

    The square of ``back``'s matrix, with t eliminated, is scale (I + (1/k - 1) ray ray^T).
    """

    def __init__(self, point):
        U, t, W, tau = point.U, point.t, point.W, point.tau
        un, wn = np.sqrt(dot(U, U)), np.sqrt(dot(W, W))
        self.room = float((tau - wn).min())
        if not (self.room > 0.0 and (t > un).all()):
            raise Broken("a cone has no room left")
        dq, dx = np.sqrt((t - un) * (t + un)), np.sqrt((tau - wn) * (tau + wn))
        self.eta = np.sqrt(dq / dx)
        q0, q1, x0, x1 = t / dq, U / dq[:, None], tau / dx, W / dx[:, None]
        gamma = np.sqrt(0.5 * (1.0 + q0 * x0 + dot(q1, x1)))
        self.nu1 = (q1 - x1) / (2.0 * gamma)[:, None]
        nn = dot(self.nu1, self.nu1)
        self.nu0 = np.sqrt(1.0 + nn)
        self.scale, self.k = 1.0 / self.eta**2, 2.0 * nn + 1.0
        self.ray = self.nu1 / np.sqrt(np.maximum(nn, 1e-300))[:, None]
        self.l0, self.l1 = self.forth(tau, W)
        self.ll = self.l0**2 - dot(self.l1, self.l1)
        if not (np.isfinite(self.l0).all() and (self.ll > 0.0).all()):
            raise Broken("a scaled cone has no room left")

    def forth(self, b0, b1):
        e = dot(self.nu1, b1)
        tail = self.eta * (b0 + e / (1.0 + self.nu0))
        return self.eta * (self.nu0 * b0 + e), _kernels.combine(b1, self.eta, self.nu1, tail)

    def back(self, b0, b1):
        e = dot(self.nu1, b1)
        tail = (e / (1.0 + self.nu0) - b0) / self.eta
        return (self.nu0 * b0 - e) / self.eta, _kernels.combine(b1, 1.0 / self.eta, self.nu1, tail)

    def add_to(self, H):
        """Add the cones' part to the matrices H (2P, d, d), split along and across the ray: their difference would
        cancel."""
        _kernels.add_cone(H, self.scale, self.scale * (1.0 / self.k - 1.0), self.ray)

    def times(self, V):
        """Return what ``add_to`` adds, times the rows of V."""
        along = self.scale * (1.0 / self.k - 1.0) * dot(self.ray, V)
        return _kernels.combine(V, self.scale, self.ray, along)

    def targets(self, affine=None, target=0.0):
        """Return the right-hand sides of the cones, of a predictor or of the corrector to ``target``."""
        first, second = -(self.l0**2 + dot(self.l1, self.l1)), -2.0 * self.l0[:, None] * self.l1
        if affine is None:
            return first, second
        A0, A1 = self.back(affine.t, affine.U)
        B0, B1 = self.forth(affine.tau, affine.W)
        return (
            target + first - (A0 * B0 + dot(A1, B1)),
            second - (A0[:, None] * B1 + B0[:, None] * A1),
        )

    def eliminated(self, c0, c1, dtau):
        """Return the cones' part (c0, c1) of a right-hand side with tau known: c0 for t, and what the blocks get."""
        xi0 = (self.l0 * c0 - dot(self.l1, c1)) / self.ll
        xi1 = (c1 - self.l1 * xi0[:, None]) / self.l0[:, None]
        c0, c1 = self.back(xi0, xi1)
        c0 = c0 - dtau
        return c0, c1 + (2.0 * self.nu0 * c0 / self.k)[:, None] * self.nu1

    def t_of(self, c0, dU):
        """Return dt from the eliminated c0 and dU."""
        return (c0 / self.scale + 2.0 * self.nu0 * dot(self.nu1, dU)) / self.k


def _longest(v, dv):
    top = _kernels.steepest(v.ravel(), dv.ravel())
    return 1.0 / top if top > 0 else np.inf


def longest(point, move):
    """Return the largest step along ``move`` that keeps slacks, multipliers and cones."""
    return min(
        *(_longest(a, b) for a, b in zip(point.s, move.s)),
        *(_longest(a, b) for a, b in zip(point.z, move.z)),
        _kernels.longest_in_cone(point.t, point.U, move.t, move.U),
        _kernels.longest_in_cone(point.tau, point.W, move.tau, move.W),
    )


def centred(point, total, degree, wide):
    """Return whether no cone lies far behind the mean: one that does blocks all later steps."""
    un, wn = np.sqrt(dot(point.U, point.U)), np.sqrt(dot(point.W, point.W))
    inner = np.sqrt(
        np.maximum((point.t - un) * (point.t + un), 0.0) * np.maximum((point.tau - wn) * (point.tau + wn), 0.0)
    )
    least = min(float((a * b).min()) for a, b in zip(point.s, point.z) if a.size)
    return inner.min() >= wide * total / degree and least >= 0.1 * wide * total / degree


def inverse_factors(H, whole=False):
    """Return L^{-1} of H = L L^T for every block, and H^{-1} if ``whole``; a block that breaks is retried with more on
    its diagonal."""
    B, d, _ = H.shape
    half, out = np.zeros_like(H), np.empty_like(H)
    if d <= SMALL and _kernels.invert(H, half, out):
        return (half, out) if whole else half
    single = H.dtype == np.float32
    potrf, trtri = (lapack.spotrf, lapack.strtri) if single else (lapack.dpotrf, lapack.dtrtri)
    lauum = lapack.slauum if single else lapack.dlauum
    for b in range(B):
        top, eps = H[b].diagonal().max(), 0.0
        while True:
            A = H[b].T.copy(order="F")
            A[np.diag_indices(d)] += eps * top
            L, bad = potrf(A, lower=1, clean=1, overwrite_a=1)
            if not bad:
                break
            eps = max(10.0 * eps, 4.0 * float(np.finfo(H.dtype).eps))
            if eps > 1.0:
                raise Broken("a block has no factor")
        half[b] = L = trtri(L, lower=1)[0]
        if whole:
            out[b] = lauum(L, lower=1)[0].T
    if whole:
        _kernels.mirror(out)
        return half, out
    return half


class Pairs:
    r"""The two blocks v, w of a pattern meet in q = dv - dw only.

    From H_v dv = g_v - T q, H_w dw = g_w + T q, with S = H_v + H_w:
    :math:`(H_vS^{-1}H_w + T)q = H_wS^{-1}g_v - H_vS^{-1}g_w`, S dv = g_v + g_w + H_w q, S dw = g_v + g_w - H_v q:
    nothing is divided by the flat directions of one H.
    """

    def __init__(self, H):
        P = len(H) // 2
        self.v, self.w = H[:P], H[P:]
        self.factors = inverse_factors(self.v + self.w)

    def parallel(self):
        """Return H_v S^{-1} H_w (P, d, d), symmetric."""
        F = self.factors
        found = np.matmul(np.matmul(self.v, F.transpose(0, 2, 1)), np.matmul(F, self.w))
        return 0.5 * (found + found.transpose(0, 2, 1))

    def over(self, g):
        """Return S^{-1} g."""
        return np.einsum("bji,bj->bi", self.factors, np.einsum("bij,bj->bi", self.factors, g))

    def reduced(self, g):
        """Return H_w S^{-1} g_v - H_v S^{-1} g_w."""
        P = len(self.v)
        return np.einsum("bij,bj->bi", self.w, self.over(g[:P])) - np.einsum("bij,bj->bi", self.v, self.over(g[P:]))

    def restored(self, g, q):
        """Return (dv, dw) from q = dv - dw."""
        P = len(self.v)
        both = g[:P] + g[P:]
        dv = self.over(both + np.einsum("bij,bj->bi", self.w, q))
        return np.concatenate([dv, self.over(both - np.einsum("bij,bj->bi", self.v, q))])
