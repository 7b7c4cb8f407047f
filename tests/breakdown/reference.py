"""Slow, plain versions written from the formulas alone: loops, enumeration, general-purpose solvers."""

import itertools
import math

import numpy as np
from scipy import optimize


def least_absolute(X, y):
    """LAD as a linear programme: the optimal value."""
    n, p = X.shape
    cost = np.r_[np.zeros(p), np.ones(2 * n)]
    bounds = [(None, None)] * p + [(0, None)] * (2 * n)
    return optimize.linprog(cost, A_eq=np.c_[X, np.eye(n), -np.eye(n)], b_eq=y, bounds=bounds).fun


def least_trimmed(X, y, h):
    """LTS by trying every subset of h points."""
    best = np.inf
    for rows in itertools.combinations(range(len(y)), h):
        rows = list(rows)
        w = np.linalg.lstsq(X[rows], y[rows], rcond=None)[0]
        best = min(best, float(((y[rows] - X[rows] @ w) ** 2).sum()))
    return best


def torrent(X, y, h):
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    kept = None
    for _ in range(1000):
        new = np.sort(np.argsort((y - X @ w) ** 2, kind="stable")[:h])
        if kept is not None and (new == kept).all():
            break
        kept = new
        w = np.linalg.lstsq(X[kept], y[kept], rcond=None)[0]
    return w


def huber_step(X, y, w, tuning=1.345):
    """One reweighting: a fixed point is a Huber estimate."""
    r = y - X @ w
    scale = np.sort(np.abs(r))[len(r) // 2] / 0.6744897501960817
    weight = np.array([1.0 if abs(e) <= tuning * scale else tuning * scale / abs(e) for e in r])
    return np.linalg.lstsq(X * np.sqrt(weight)[:, None], y * np.sqrt(weight), rcond=None)[0]


def net(U, s, x):
    total = 0.0
    for u, sign in zip(U, s):
        total += sign * max(float(u @ x), 0.0)
    return total


def trimmed_loss(U, s, X, y, h):
    return sum(sorted((y[i] - net(U, s, X[i])) ** 2 for i in range(len(y)))[:h])


def lifted(U, s, X):
    """z_i = (s_k 1{u_k . x_i > 0} x_i)_k, one row a point."""
    return np.array([np.concatenate([sign * float(u @ x > 0) * x for u, sign in zip(U, s)]) for x in X])


def partition_step(U, s, X, y, h):
    """Lifted least squares on the h points with the smallest residuals, undamped."""
    r2 = np.array([(y[i] - net(U, s, X[i])) ** 2 for i in range(len(y))])
    kept = np.argsort(r2, kind="stable")[:h]
    Z = lifted(U, s, X)
    return np.linalg.lstsq(Z[kept], y[kept], rcond=None)[0].reshape(U.shape)


def majoriser(V, U, s, X, y):
    total = 0.0
    for x, label in zip(X, y):
        p, q = max(-label, 0.0), max(label, 0.0)
        p_flat, q_flat = p, q
        for v, u, sign in zip(V, U, s):
            bent, flat = max(float(v @ x), 0.0), float(u @ x > 0) * float(v @ x)
            if sign > 0:
                p, p_flat = p + bent, p_flat + flat
            else:
                q, q_flat = q + bent, q_flat + flat
        total += max(p - q_flat, 0.0) ** 2 + max(q - p_flat, 0.0) ** 2
    return total


def least_majoriser(U, s, X, y):
    """The minimum of V -> Maj(V | U) as a smooth convex programme with slack variables (SLSQP).

    Slacks e_ik >= 0, e_ik >= v_k . x_i stand for the bent terms; a_i, b_i >= 0 for the two positive parts.
    """
    n, d = X.shape
    K = len(s)
    D = (X @ U.T > 0).astype(float)
    sizes = [K * d, n * K, n, n]
    cuts = np.cumsum(sizes)
    size = cuts[-1]
    rows, right = [], []

    def row():
        return np.zeros(size)

    for i in range(n):
        for k in range(K):
            c = row()
            c[cuts[0] + i * K + k] = 1
            c[k * d : (k + 1) * d] = -X[i]
            rows.append(c)
            right.append(0.0)
        a, b = row(), row()
        a[cuts[1] + i], b[cuts[2] + i] = 1, 1
        for k in range(K):
            up, down = (a, b) if s[k] > 0 else (b, a)
            up[cuts[0] + i * K + k] -= 1
            down[k * d : (k + 1) * d] += D[i, k] * X[i]
        rows += [a, b]
        right += [-y[i], y[i]]
    A, right = np.array(rows), np.array(right)
    bent = np.maximum(X @ U.T, 0.0)
    f = bent @ s
    start = np.concatenate([U.ravel(), bent.ravel(), np.maximum(f - y, 0), np.maximum(y - f, 0)])
    found = optimize.minimize(
        lambda t: (t[cuts[1] :] ** 2).sum(),
        start,
        jac=lambda t: np.concatenate([np.zeros(cuts[1]), 2 * t[cuts[1] :]]),
        constraints={"type": "ineq", "fun": lambda t: A @ t - right, "jac": lambda t: A},
        bounds=[(None, None)] * sizes[0] + [(0, None)] * (size - sizes[0]),
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    return found.fun


def consensus(r, scale, levels=40):
    best = 0.0
    n = len(r)
    for level in range(1, levels + 1):
        k = sum(abs(e) / scale < 2.0**-level for e in r)
        expected = n * 2.0**-level
        if k > expected:
            best = max(best, k * math.log(k / expected) - (k - expected))
    return best


def tail(power, b):
    """E[|z|^power; |z| > t_b] by summing over a fine grid."""
    z = np.linspace(0, 12, 1_200_001)
    density = 2 * np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    mass = np.cumsum(density[::-1])[::-1]
    return float((z**power * density)[mass <= b].sum())
