r"""ADMM for the convex program with many points: memory nP + dP, operations ndP an iteration.

With s_b = G_b u_b (rows), z_b = u_b (norms) and p = sum_b F_b u_b split off, the u-step is one linear system,
:math:`(I + G_b^\top G_b)u_b + \kappa F_b^\top\sum_c F_cu_c = h_b`. As :math:`G_b^\top G_b = X^\top X` for every
pattern, the d x d factor of :math:`M = I + X^\top X` serves all blocks, and the coupling is met by conjugate gradients
preconditioned with M: no n x n matrix is formed. The steps are warm, so a few of them are enough.
"""

import time

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import nnls

from robustnn_core.convex import program


def _prox(loss, q, y, weight, start):
    """argmin L(p) + weight/2 |p - q|^2, point by point."""
    if loss == "squared":
        return (y + weight * q) / (1.0 + weight)
    n, m = len(y), y * q
    if loss == "hinge":
        return y * np.where(m >= 1.0, m, np.minimum(m + 1.0 / (n * weight), 1.0))
    t = np.clip(y * start, m, m + 1.0 / (n * weight))  # the root lies there; Newton kept in the bracket
    low, high = m, m + 1.0 / (n * weight)
    for _ in range(20):
        sigmoid = 0.5 * (1.0 - np.tanh(0.5 * t))
        slope = weight * (t - m) - sigmoid / n
        low, high = np.where(slope < 0.0, t, low), np.where(slope > 0.0, t, high)
        new = t - slope / (weight + sigmoid * (1.0 - sigmoid) / n)
        new = np.where((new < low) | (new > high), 0.5 * (low + high), new)
        if np.abs(new - t).max() < 1e-13 * (1.0 + np.abs(t).max()):
            t = new
            break
        t = new
    return y * t


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


def _nearest(u, e, A, rounds=20):
    """The point of the cone {v : e * Av >= 0} nearest to u, by Moreau: u + R^T x with x >= 0 that makes it shortest.

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


def solve(X, y, active, gates, beta, loss, *, rest=0.0, tol, max_iterations, max_seconds, relax=1.6, every=20):
    """Return U (2P, d), dual lambda, lower bound, history; see :func:`robustnn_core.convex.interior.solve`."""
    begin = time.perf_counter()
    n, d = X.shape
    P = active.shape[1]
    # Rows of unit mean size in the constraints; the predictions keep their own penalty
    unit = X / (np.linalg.norm(X) / np.sqrt(n * d))
    size = np.linalg.norm(X) / np.sqrt(n * d)
    D = active.astype(float)
    E = 2.0 * D - 1.0
    M = cho_factor(np.eye(d) + unit.T @ unit / n * d)
    row = np.sqrt(d / n)  # constraint rows are row * E unit u
    A = row * unit
    gates = _center(unit, E, gates)
    margin = (E * (A @ gates.T)).min(axis=0)
    push = np.tile(gates / margin[:, None], (2, 1))  # E_b A push_b >= 1
    reach = np.linalg.norm(A, axis=1).max()

    def rows(U):
        Z = A @ U.T
        return np.concatenate([E * Z[:, :P], E * Z[:, P:]], axis=1)

    def rows_t(V):
        return np.concatenate([(E * V[:, :P]).T @ A, (E * V[:, P:]).T @ A])

    def predict(U):
        return (D * (X @ (U[:P] - U[P:]).T)).sum(axis=1)

    def predict_t(r):
        half = (D * r[:, None]).T @ X
        return np.concatenate([half, -half])

    history = {"seconds": [], "objective": [], "lower_bound": []}
    best = {
        "upper": program.loss_value(loss, np.zeros(n), y),
        "lower": -np.inf,
        "U": np.zeros((2 * P, d)),
        "dual": np.zeros(n),
    }

    def bracket(U, r, lam):
        """Upper: the nearest blocks in the cones. Lower: the multipliers of the predictions, clipped and scaled."""
        outside = np.flatnonzero(rows(U).min(axis=0) < 0.0)
        if outside.size:
            U = U.copy()
            for b in outside:
                U[b] = _nearest(U[b], E[:, b % P], A)
        # What rounding leaves, and room for the rounding of other orders of summation
        V = U
        for _ in range(3):
            room = 1e-13 * reach * np.linalg.norm(V, axis=1)
            need = np.maximum(room - rows(V).min(axis=0), 0.0) * (room > 0.0)
            if not need.any():
                break
            V = V + (2.0 * need)[:, None] * push
        V = np.where((rows(V) < 0.0).any(axis=0)[:, None], 0.0, V)
        upper = program.loss_value(loss, predict(V), y) + beta * float(np.linalg.norm(V, axis=1).sum())
        if upper < best["upper"]:
            best["upper"], best["U"] = upper, V
        z = program.clip_dual(loss, -r, y)
        g = predict_t(z)
        prices = np.linalg.norm(g + rows_t(np.maximum(lam, 0.0)), axis=1)
        c = 0.0
        for b in np.argsort(-prices):  # the dearest block decides; its best multipliers are a projection
            if prices[b] <= c:
                break
            c = max(c, min(prices[b], float(np.linalg.norm(_nearest(g[b], E[:, b % P], A)))))
        c *= (1.0 + 1e-12) / beta
        theta, lower = program.best_scale(loss, z, y, 1.0 / max(c, 1e-300))
        if lower > best["lower"]:
            best["lower"], best["dual"] = lower, theta * z
        history["seconds"].append(time.perf_counter() - begin)
        history["objective"].append(best["upper"] + rest)
        history["lower_bound"].append(best["lower"] + rest)
        return (best["upper"] - best["lower"]) / max(1e-12, abs(best["upper"] + rest))

    # Scales: a norm of a block moves by beta/rho a step, the predictions feel the curvature of the loss
    rho = 10.0 * beta * np.linalg.norm(X) / np.linalg.norm(y)
    kappa = 0.3 * (1.0 if loss == "squared" else 0.25 / n) / rho
    U = np.zeros((2 * P, d))
    Z, S, p = U.copy(), np.zeros((n, 2 * P)), np.zeros(n)
    dz, ds, dp = U.copy(), S.copy(), p.copy()  # multipliers divided by rho

    def operator(V, FV):
        return V + rows_t(rows(V)) + kappa * predict_t(FV)

    iteration = 0
    while True:
        h = (Z - dz) + rows_t(S - ds) + kappa * predict_t(p - dp)
        res = h - operator(U, predict(U))
        q = cho_solve(M, res.T).T
        direction, rr = q, float((res * q).sum())
        target = 1e-3 * np.sqrt(rr)
        for _ in range(8):
            if rr <= target * target or rr == 0.0:
                break
            image = operator(direction, predict(direction))
            step = rr / float((direction * image).sum())
            U, res = U + step * direction, res - step * image
            q = cho_solve(M, res.T).T
            rr, before = float((res * q).sum()), rr
            direction = q + (rr / before) * direction
        RU, FU = rows(U), predict(U)
        mu, mr, mp = relax * U + (1.0 - relax) * Z, relax * RU + (1.0 - relax) * S, relax * FU + (1.0 - relax) * p
        oldZ, oldS, oldp = Z, S, p
        V = mu + dz
        norm = np.linalg.norm(V, axis=1)
        Z = V * np.maximum(1.0 - beta / rho / np.maximum(norm, 1e-300), 0.0)[:, None]
        S = np.maximum(mr + ds, 0.0)
        p = _prox(loss, mp + dp, y, rho * kappa, p)
        dz, ds, dp = V - Z, mr + ds - S, mp + dp - p
        iteration += 1
        if iteration % every == 0 or iteration >= max_iterations or time.perf_counter() - begin > max_seconds:
            gap = bracket(U, rho * kappa * dp, -rho * ds)
            gap = min(gap, bracket(Z, rho * kappa * dp, -rho * ds))
            if gap <= tol or iteration >= max_iterations or time.perf_counter() - begin > max_seconds:
                break
            primal = np.sqrt(((U - Z) ** 2).sum() + ((RU - S) ** 2).sum() + kappa * ((FU - p) ** 2).sum())
            primal /= max(1e-300, np.sqrt((Z**2).sum() + (S**2).sum() + kappa * (p**2).sum()))
            dual = np.linalg.norm((Z - oldZ) + rows_t(S - oldS) + kappa * predict_t(p - oldp))
            dual /= max(1e-300, np.linalg.norm(dz) + np.linalg.norm(rows_t(ds)))
            ratio = np.clip(np.sqrt(primal / max(dual, 1e-300)), 0.2, 5.0)
            if ratio > 1.5 or ratio < 1.0 / 1.5:
                rho *= ratio
                dz, ds, dp = dz / ratio, ds / ratio, dp / ratio
    return best["U"], best["dual"], best["lower"] + rest, history
