"""Moments that have no closed form: one-dimensional integrals on the cube, and a supremum over directions on points."""

import numpy as np
from scipy.integrate import quad
from scipy.special import erf

from robustnn_core import streams

__all__ = [
    "least_stretch",
    "mean_abs_ascent",
    "mean_abs_certificate",
    "mean_abs_least",
    "unit_cube_mean_abs",
    "unit_cube_norm_moment",
]


def unit_cube_norm_moment(n, j):
    """E|x|^j on [-1, 1]^n for j = 1, 3."""

    def laplace(v):  # E exp(-v^2 x_1^2) - 1, without cancellation near 0
        if v < 0.05:
            return -(v**2) / 3 + v**4 / 10 - v**6 / 42 + v**8 / 216
        return np.sqrt(np.pi) / 2 * erf(v) / v - 1

    def weighted(v):  # E x_1^2 exp(-v^2 x_1^2)
        if v < 0.05:
            return 1 / 3 - v**2 / 5 + v**4 / 14 - v**6 / 54
        return (1 + laplace(v) - np.exp(-(v**2))) / (2 * v**2)

    def first(v):
        return -np.expm1(n * np.log1p(laplace(v))) / v**2

    def third(v):
        return n * (1 / 3 - np.exp((n - 1) * np.log1p(laplace(v))) * weighted(v)) / v**2

    integrand = first if j == 1 else third
    start = 3e-3  # below it the integrand, even in v, is integrated by one node exact to order v^5
    head = start * integrand(start / np.sqrt(3))
    middle = quad(integrand, start, 1.0, epsabs=0, epsrel=1e-11, limit=200)[0]
    tail = quad(lambda u: integrand(1 / u) / u**2, 0.0, 1.0, epsabs=0, epsrel=1e-11, limit=200)[0]
    return (head + middle + tail) / np.sqrt(np.pi)


def unit_cube_mean_abs(v):
    """E|v.x| on [-1, 1]^n: (2/pi) times the integral of (1 - prod_j sin(v_j t)/(v_j t)) / t^2."""
    v = v[v != 0]
    size = np.abs(v).sum()
    if len(v) == 1:
        return float(size / 2)
    end = 400.0 / size  # beyond it the product is below (end |v|_2 / sqrt n)^-n: averaged in, 1/end
    value = quad(lambda t: (1 - np.prod(np.sinc(v * t / np.pi))) / t**2, 1e-6 / size, end, limit=2000, epsrel=1e-9)[0]
    return float(2 / np.pi * (value + 1 / end))


def mean_abs_ascent(Z, starts=24):
    """Largest mean |u.z_i| found over unit u, and its u: the sign iteration from principal and random starts."""
    _, _, axes = np.linalg.svd(Z, full_matrices=False)
    U = np.concatenate([axes, streams.generator(0).standard_normal((starts, Z.shape[1]))])
    best, best_u = 0.0, axes[0]
    for u in U:
        value = -1.0
        while True:
            pull = np.sign(Z @ u) @ Z / len(Z)
            if np.linalg.norm(pull) <= value * (1 + 1e-12) or not pull.any():
                break
            value = float(np.linalg.norm(pull))
            u = pull / value
        reached = float(np.mean(np.abs(Z @ u)))
        if reached > best:
            best, best_u = reached, u
    return best, best_u


def mean_abs_certificate(Z, rounds=200):
    """An upper bound of sup over unit u of mean |u.z_i|.

    Cauchy-Schwarz with positive weights: (E|u.z|)^2 <= E[s] E[(u.z)^2 / s] <= E[s] lambda_max(E[zz^T / s]).
    s = sqrt(z^T W z) with W improved by multiplicative steps; s = 1 gives back Jensen's bound.
    """
    Z = Z[np.abs(Z).max(axis=1) > 0]
    if len(Z) == 0:
        return 0.0
    best = np.sqrt(np.linalg.eigvalsh(Z.T @ Z / len(Z))[-1])
    W = np.eye(Z.shape[1]) / Z.shape[1]
    for _ in range(rounds):
        s = np.sqrt(np.einsum("ij,jk,ik->i", Z, W, Z)) + 1e-9 * np.linalg.norm(Z, axis=1)
        G = (Z / s[:, None]).T @ Z / len(Z)
        best = min(best, np.sqrt(s.mean() * np.linalg.eigvalsh(G)[-1]))
        values, vectors = np.linalg.eigh(W)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        W = root @ G @ root
        W /= np.trace(W)
    return float(best)


def mean_abs_least(Z):
    """A lower bound of inf over unit u of mean |u.z_i|: |u.z| >= (u.z)^2 / |z|, so lambda_min(E[zz^T / |z|])."""
    length = np.linalg.norm(Z, axis=1)
    Y = Z / np.sqrt(np.where(length > 0, length, 1.0))[:, None]
    values = np.linalg.eigvalsh(Y.T @ Y / len(Z))
    return float(values[0]) if values[0] > 1e-12 * values[-1] else 0.0  # 0: rounding, or a direction nobody moves in


def least_stretch(M):
    """The least |M^T u| over unit u."""
    return np.linalg.svd(M, compute_uv=False)[-1] if M.shape[0] <= M.shape[1] else 0.0
