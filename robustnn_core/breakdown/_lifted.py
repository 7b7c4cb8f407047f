"""Compiled steps of the two network fits. Private.

On a cell of the partition a net is linear in its units, f(x_i) = z_i . U with z_i = (s_k D_ik x_i)_k. Its
normal equations are assembled region by region (points with the same pattern share one d by d Gram matrix),
so their cost does not grow with the number of units while 2^K regions fit in memory.
"""

import numpy as np
from numba import njit

from robustnn_core.breakdown import _kernels

REGION_UNITS = 6  # up to this many units the Gram matrices are kept per region
TOLERANCE = 1e-12


@njit(cache=True, nogil=True)
def evaluate(X, y, signs, U, pattern, r):
    """Write the activation pattern (n, K) and the residuals y - f(x) (n,)."""
    n, d = X.shape
    for i in range(n):
        total = y[i]
        for k in range(signs.size):
            z = 0.0
            for a in range(d):
                z += U[k, a] * X[i, a]
            pattern[i, k] = z > 0.0
            if z > 0.0:
                total -= signs[k] * z
        r[i] = total


@njit(cache=True, nogil=True)
def trimmed(r, h, loss, work, kept):
    """F_h: mark the h smallest squared residuals and return their sum."""
    for i in range(r.size):
        loss[i] = r[i] * r[i]
    return _kernels.keep_smallest(loss, h, work, kept)


@njit(cache=True, nogil=True)
def accumulate(X, pattern, signs, weight, use, gram, side, H, b, fresh):
    """Add sum over used rows of z z' to the lower triangle of H (Kd, Kd) and of weight z to b, z = (s_k D_ik x_i)_k.

    ``gram`` (2^K, d, d) and ``side`` (2^K, d) are work; when K > REGION_UNITS they have length 1 and rows
    are added one by one. ``fresh``: zero H and b first.
    """
    n, d = X.shape
    K = signs.size
    if fresh:
        H[:] = 0.0
        b[:] = 0.0
    if K > REGION_UNITS:
        for i in range(n):
            if use[i]:
                for k in range(K):
                    if pattern[i, k]:
                        for a in range(d):
                            value = signs[k] * X[i, a]
                            b[k * d + a] += weight[i] * value
                            for m in range(k + 1):
                                if pattern[i, m]:
                                    factor = value * signs[m]
                                    for c in range(a + 1 if m == k else d):
                                        H[k * d + a, m * d + c] += factor * X[i, c]
        return
    gram[:] = 0.0
    side[:] = 0.0
    for i in range(n):
        if use[i]:
            code = 0
            for k in range(K):
                code |= int(pattern[i, k]) << k
            if code:
                for a in range(d):
                    value = X[i, a]
                    side[code, a] += weight[i] * value
                    for c in range(a + 1):
                        gram[code, a, c] += value * X[i, c]
    for code in range(1, 1 << K):
        for k in range(K):
            if (code >> k) & 1:
                for a in range(d):
                    b[k * d + a] += signs[k] * side[code, a]
                for m in range(k + 1):
                    if (code >> m) & 1:
                        factor = signs[k] * signs[m]
                        for a in range(d):
                            for c in range(a + 1):
                                H[k * d + a, m * d + c] += factor * gram[code, a, c]
                            if m < k:
                                for c in range(a + 1, d):
                                    H[k * d + a, m * d + c] += factor * gram[code, c, a]


@njit(cache=True, nogil=True)
def partition_descent(X, y, signs, h, U, exact, tol, history, kept, pattern, gram, side, H, b):
    """Alternate pattern, kept set and lifted least squares from U (K, d), in place; halve a step that does not lower F_h.

    Returns the number of steps, and whether the descent ended by itself; history[: steps + 1] are the values
    of F_h, each below the last.
    """
    n, d = X.shape
    K = signs.size
    r, loss, work, trial = np.empty(n), np.empty(n), np.empty(n), np.empty((K, d))
    kept_trial, pattern_trial = np.empty_like(kept), np.empty_like(pattern)
    evaluate(X, y, signs, U, pattern, r)
    history[0] = trimmed(r, h, loss, work, kept)
    for step in range(history.size - 1):
        now = history[step]
        if now <= exact:
            return step, True
        accumulate(X, pattern, signs, r, kept, gram, side, H, b, True)
        _kernels.cholesky_solve(H, b, TOLERANCE)
        t = 1.0
        value = np.inf
        for _ in range(30):
            for k in range(K):
                for a in range(d):
                    trial[k, a] = U[k, a] + t * b[k * d + a]
            evaluate(X, y, signs, trial, pattern_trial, r)
            value = trimmed(r, h, loss, work, kept_trial)
            if value < now:
                break
            t *= 0.5
        if not value < now:
            evaluate(X, y, signs, U, pattern, r)
            return step, True
        U[:] = trial
        kept[:] = kept_trial
        pattern[:] = pattern_trial
        history[step + 1] = value
        if now - value <= tol * now:
            return step + 1, True
    return history.size - 1, history[history.size - 1] <= exact


@njit(cache=True, nogil=True)
def majoriser(X, y, signs, use, linear, V, pattern, gap, upper, lower):
    """Maj(V | U): sum over used rows of (p(V) - q~(V))_+^2 + (q(V) - p~(V))_+^2.

    ``linear`` (n, K) is the pattern at U, where the subtracted half is linearised. Writes the pattern of V,
    gap (n, 2) = the two positive parts, and the patterns of their gradients: upper (n, K) for the first
    (positive units exact, negative ones linearised), lower (n, K) for the second.
    """
    n, d = X.shape
    total = 0.0
    for i in range(n):
        if not use[i]:
            continue
        first, second = -y[i], y[i]  # p - q = y^- - y^+ + ... = -y + ...
        for k in range(signs.size):
            z = 0.0
            for a in range(d):
                z += V[k, a] * X[i, a]
            pattern[i, k] = z > 0.0
            bent = max(z, 0.0)
            flat = z if linear[i, k] else 0.0
            if signs[k] > 0.0:
                first += bent
                second -= flat
                upper[i, k], lower[i, k] = pattern[i, k], linear[i, k]
            else:
                first -= flat
                second += bent
                upper[i, k], lower[i, k] = linear[i, k], pattern[i, k]
        gap[i, 0] = max(first, 0.0)
        gap[i, 1] = max(second, 0.0)
        total += gap[i, 0] * gap[i, 0] + gap[i, 1] * gap[i, 1]
    return total


@njit(cache=True, nogil=True)
def slope_along(y, signs, use, linear, z, dz, t):
    """Half the derivative of Maj along a line: z (n, K) are the v_k . x_i at t = 0, dz their derivatives."""
    total = 0.0
    for i in range(y.size):
        if use[i]:
            first, second, dfirst, dsecond = -y[i], y[i], 0.0, 0.0
            for k in range(signs.size):
                value = z[i, k] + t * dz[i, k]
                bent, dbent = (value, dz[i, k]) if value > 0.0 or (value == 0.0 and dz[i, k] > 0.0) else (0.0, 0.0)
                flat, dflat = (value, dz[i, k]) if linear[i, k] else (0.0, 0.0)
                if signs[k] > 0.0:
                    first, dfirst = first + bent, dfirst + dbent
                    second, dsecond = second - flat, dsecond - dflat
                else:
                    first, dfirst = first - flat, dfirst - dflat
                    second, dsecond = second + bent, dsecond + dbent
            if first > 0.0:
                total += first * dfirst
            if second > 0.0:
                total += second * dsecond
    return total


@njit(cache=True, nogil=True)
def exact_step(y, signs, use, linear, z, dz):
    """The minimiser t >= 0 of Maj along a line: the root of an increasing, piecewise linear function with jumps."""
    low, at_low = 0.0, slope_along(y, signs, use, linear, z, dz, 0.0)
    if not at_low < 0.0:
        return 0.0
    start = at_low
    high, at_high = 1.0, slope_along(y, signs, use, linear, z, dz, 1.0)
    for _ in range(40):
        if at_high >= 0.0:
            break
        if at_high >= 1e-9 * start:
            return high
        low, at_low = high, at_high
        high *= 2.0
        at_high = slope_along(y, signs, use, linear, z, dz, high)
    for trial in range(150):
        if at_high <= -1e-9 * start:
            return high
        if high - low <= 1e-15 * high:
            break
        t = low + (high - low) * at_low / (at_low - at_high)
        if trial % 3 == 2 or not low < t < high:
            t = 0.5 * (low + high)
        at = slope_along(y, signs, use, linear, z, dz, t)
        if at < 0.0:
            low, at_low = t, at
            if at >= 1e-9 * start:
                return t
        else:
            high, at_high = t, at
    return low


@njit(cache=True, nogil=True)
def minimise_majoriser(X, y, signs, use, linear, V, tol, max_newton, gram, side, H, b, safeguard):
    """Minimise the convex, piecewise quadratic V -> Maj(V | U) by Newton steps from V = U, in place.

    Returns its value, and whether the search ended by itself.
    The line search is exact, so a step that is stopped by a kink with a positive gap ends on that kink,
    where the function is not differentiable. With ``safeguard`` the direction is then the smallest
    subgradient in the Newton metric: a box-constrained quadratic programme in the slopes of the kinks that
    the point sits on, by coordinate descent. It is zero at the minimum only.
    """
    n, d = X.shape
    K = signs.size
    pattern, upper, lower = np.empty((n, K), np.bool_), np.empty((n, K), np.bool_), np.empty((n, K), np.bool_)
    gap, weight = np.zeros((n, 2)), np.empty(n)
    one, two = np.empty(n, np.bool_), np.empty(n, np.bool_)
    trial, g = np.empty((K, d)), np.empty(K * d)
    z, dz = np.empty((n, K)), np.empty((n, K))
    most = 3 * K * d + 32
    pin_row, pin_unit, theta = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    A, solved, quad, lin = np.empty((most, K * d)), np.empty((most, K * d)), np.empty((most, most)), np.empty(most)
    now = majoriser(X, y, signs, use, linear, V, pattern, gap, upper, lower)
    near, stalled = 1e-10 if safeguard else 0.0, 0
    for _ in range(max_newton):
        pins = 0
        if near > 0.0:  # |v . x| below near * max |v| |x| is on the kink (a unit may have shrunk to nothing)
            longest = 0.0
            for k in range(K):
                length = 0.0
                for a in range(d):
                    length += V[k, a] * V[k, a]
                longest = max(longest, length)
            for i in range(n):
                if use[i] and pins < most:
                    for k in range(K):
                        side_of = 0 if signs[k] > 0.0 else 1
                        if gap[i, side_of] > 0.0 and pins < most:
                            height, xx = 0.0, 0.0
                            for a in range(d):
                                height += V[k, a] * X[i, a]
                                xx += X[i, a] * X[i, a]
                            if abs(height) <= near * np.sqrt(longest * xx):
                                pin_row[pins], pin_unit[pins] = i, k
                                theta[pins] = 1.0 if pattern[i, k] else 0.0
                                pins += 1
        for i in range(n):
            one[i] = use[i] and gap[i, 0] > 0.0
            two[i] = use[i] and gap[i, 1] > 0.0
            weight[i] = -gap[i, 0]
        accumulate(X, upper, signs, weight, one, gram, side, H, b, True)
        for i in range(n):
            weight[i] = gap[i, 1]
        accumulate(X, lower, signs, weight, two, gram, side, H, b, False)
        g[:] = b  # minus half the gradient
        if pins:  # the kinks may bend in directions in which the rest is flat: keep the metric definite
            ridge = 0.0
            for a in range(K * d):
                ridge += (1e-6 if stalled == 0 else 1e-2) * H[a, a] / (K * d)
            for a in range(K * d):
                H[a, a] += ridge
        _kernels.cholesky(H, TOLERANCE)
        _kernels.solve(H, b)
        if pins:
            for j in range(pins):
                i, k = pin_row[j], pin_unit[j]
                height = gap[i, 0] if signs[k] > 0.0 else gap[i, 1]
                A[j] = 0.0
                for a in range(d):
                    A[j, k * d + a] = height * X[i, a]
                for a in range(K * d):
                    g[a] += theta[j] * A[j, a]  # as if the slope of the kink were 0
                solved[j] = A[j]
                _kernels.solve(H, solved[j])
            b[:] = g
            _kernels.solve(H, b)
            for j in range(pins):
                lin[j] = 0.0
                for a in range(K * d):
                    lin[j] += A[j, a] * b[a]
                for m in range(pins):
                    quad[j, m] = 0.0
                    for a in range(K * d):
                        quad[j, m] += A[j, a] * solved[m, a]
            for _ in range(200):
                for j in range(pins):
                    if quad[j, j] > 0.0:
                        total = lin[j]
                        for m in range(pins):
                            if m != j:
                                total -= quad[j, m] * theta[m]
                        theta[j] = min(1.0, max(0.0, total / quad[j, j]))
            for j in range(pins):
                for a in range(K * d):
                    g[a] -= theta[j] * A[j, a]
            b[:] = g
            _kernels.solve(H, b)
        for i in range(n):
            if use[i]:
                for k in range(K):
                    z[i, k] = 0.0
                    dz[i, k] = 0.0
                    for a in range(d):
                        z[i, k] += V[k, a] * X[i, a]
                        dz[i, k] += b[k * d + a] * X[i, a]
        for j in range(pins):  # rounding must not decide on which side of its kink a point starts
            z[pin_row[j], pin_unit[j]] = 0.0
            if 0.0 < theta[j] < 1.0:
                dz[pin_row[j], pin_unit[j]] = 0.0
        t = exact_step(y, signs, use, linear, z, dz)
        for k in range(K):
            for a in range(d):
                trial[k, a] = V[k, a] + t * b[k * d + a]
        value = majoriser(X, y, signs, use, linear, trial, pattern, gap, upper, lower)
        done = not now - value > tol * now
        if value < now:
            V[:] = trial
            now = value
        else:
            majoriser(X, y, signs, use, linear, V, pattern, gap, upper, lower)
        if not done:
            near, stalled = 1e-10 if safeguard else 0.0, 0
        elif safeguard and stalled == 0:  # once more, with a rounder metric and a kink more or less
            near, stalled = 1e-6, 1
        else:
            return now, True
    return now, False


@njit(cache=True, nogil=True)
def dc_descent(X, y, signs, h, U, exact, tol, newton, history, kept, pattern, gram, side, H, b, safeguard):
    """Alternate the kept set and the majoriser at U (K, d), in place. F_h never rises and needs no line search.

    Returns the number of steps, and whether the descent ended by itself; history[: steps + 1] are the values
    of F_h, each below the last.
    """
    n, d = X.shape
    r, loss, work = np.empty(n), np.empty(n), np.empty(n)
    trial = np.empty_like(U)
    kept_trial, pattern_trial = np.empty_like(kept), np.empty_like(pattern)
    evaluate(X, y, signs, U, pattern, r)
    history[0] = trimmed(r, h, loss, work, kept)
    for step in range(history.size - 1):
        now = history[step]
        if now <= exact:
            return step, True
        trial[:] = U
        _, finished = minimise_majoriser(X, y, signs, kept, pattern, trial, tol, newton, gram, side, H, b, safeguard)
        evaluate(X, y, signs, trial, pattern_trial, r)
        value = trimmed(r, h, loss, work, kept_trial)
        if not value < now:
            return step, finished
        U[:] = trial
        kept[:] = kept_trial
        pattern[:] = pattern_trial
        history[step + 1] = value
        if now - value <= tol * now:
            return step + 1, finished
    return history.size - 1, history[history.size - 1] <= exact
