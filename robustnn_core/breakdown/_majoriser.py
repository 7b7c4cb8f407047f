"""Compiled steps of DC training: the majoriser of the loss, and its minimiser. Private."""

import numpy as np
from numba import njit

from robustnn_core.breakdown import _kernels, _lifted


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
def find_pins(X, signs, use, V, pattern, gap, near, pin_row, pin_unit, theta):
    """List the kinks with a positive gap that V sits on, as (row, unit); theta starts at the side. Returns how many.

    On the kink is |v . x| below near * max |v| |x|: a unit may have shrunk to nothing.
    """
    n, d = X.shape
    K = signs.size
    pins, longest = 0, 0.0
    for k in range(K):
        length = 0.0
        for a in range(d):
            length += V[k, a] * V[k, a]
        longest = max(longest, length)
    for i in range(n):
        if use[i] and pins < pin_row.size:
            for k in range(K):
                side_of = 0 if signs[k] > 0.0 else 1
                if gap[i, side_of] > 0.0 and pins < pin_row.size:
                    height, xx = 0.0, 0.0
                    for a in range(d):
                        height += V[k, a] * X[i, a]
                        xx += X[i, a] * X[i, a]
                    if abs(height) <= near * np.sqrt(longest * xx):
                        pin_row[pins], pin_unit[pins] = i, k
                        theta[pins] = 1.0 if pattern[i, k] else 0.0
                        pins += 1
    return pins


@njit(cache=True, nogil=True)
def newton_system(X, signs, use, gap, upper, lower, positive, weight, gram, side, H, b):
    """Write half the Hessian of Maj into the lower triangle of H, and minus half its gradient into b."""
    n = X.shape[0]
    for i in range(n):
        positive[i] = use[i] and gap[i, 0] > 0.0
        weight[i] = -gap[i, 0]
    _lifted.accumulate(X, upper, signs, weight, positive, gram, side, H, b, True)
    for i in range(n):
        positive[i] = use[i] and gap[i, 1] > 0.0
        weight[i] = gap[i, 1]
    _lifted.accumulate(X, lower, signs, weight, positive, gram, side, H, b, False)


@njit(cache=True, nogil=True)
def box_programme(quad, lin, theta, pins):
    """Minimise theta' quad theta / 2 - lin . theta over theta in [0, 1]^pins by coordinate descent, in place."""
    for _ in range(200):
        for j in range(pins):
            if quad[j, j] > 0.0:
                total = lin[j]
                for m in range(pins):
                    if m != j:
                        total -= quad[j, m] * theta[m]
                theta[j] = min(1.0, max(0.0, total / quad[j, j]))


@njit(cache=True, nogil=True)
def smallest_subgradient(X, signs, gap, H, b, g, pins, pin_row, pin_unit, theta, A, solved, quad, lin):
    """Overwrite b by the step along the smallest subgradient in the metric of the factor H.

    g is minus half the gradient on entry; theta (pins,) are the slopes of the kinks, from 0 to 1, and become
    those of the smallest one.
    """
    d = X.shape[1]
    size = b.size
    for j in range(pins):
        i, k = pin_row[j], pin_unit[j]
        height = gap[i, 0] if signs[k] > 0.0 else gap[i, 1]
        A[j] = 0.0
        for a in range(d):
            A[j, k * d + a] = height * X[i, a]
        for a in range(size):
            g[a] += theta[j] * A[j, a]  # as if the slope of the kink were 0
        solved[j] = A[j]
        _kernels.solve(H, solved[j])
    b[:] = g
    _kernels.solve(H, b)
    for j in range(pins):
        lin[j] = 0.0
        for a in range(size):
            lin[j] += A[j, a] * b[a]
        for m in range(pins):
            quad[j, m] = 0.0
            for a in range(size):
                quad[j, m] += A[j, a] * solved[m, a]
    box_programme(quad, lin, theta, pins)
    for j in range(pins):
        for a in range(size):
            g[a] -= theta[j] * A[j, a]
    b[:] = g
    _kernels.solve(H, b)


@njit(cache=True, nogil=True)
def project(X, use, V, b, z, dz, pins, pin_row, pin_unit, theta):
    """Write z (n, K), the v_k . x_i, and dz, their changes along b; both are 0 where a kink is held."""
    n, d = X.shape
    for i in range(n):
        if use[i]:
            for k in range(V.shape[0]):
                z[i, k] = 0.0
                dz[i, k] = 0.0
                for a in range(d):
                    z[i, k] += V[k, a] * X[i, a]
                    dz[i, k] += b[k * d + a] * X[i, a]
    for j in range(pins):  # rounding must not decide on which side of its kink a point starts
        z[pin_row[j], pin_unit[j]] = 0.0
        if 0.0 < theta[j] < 1.0:
            dz[pin_row[j], pin_unit[j]] = 0.0


@njit(cache=True, nogil=True)
def minimise(X, y, signs, use, linear, V, tol, max_inner, gram, side, H, b, safeguard):
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
    gap, weight, positive = np.zeros((n, 2)), np.empty(n), np.empty(n, np.bool_)
    trial, g = np.empty((K, d)), np.empty(K * d)
    z, dz = np.empty((n, K)), np.empty((n, K))
    most = 3 * K * d + 32
    pin_row, pin_unit, theta = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    A, solved, quad, lin = np.empty((most, K * d)), np.empty((most, K * d)), np.empty((most, most)), np.empty(most)
    now = majoriser(X, y, signs, use, linear, V, pattern, gap, upper, lower)
    near, stalled = 1e-10 if safeguard else 0.0, 0
    for _ in range(max_inner):
        pins = 0
        if near > 0.0:
            pins = find_pins(X, signs, use, V, pattern, gap, near, pin_row, pin_unit, theta)
        newton_system(X, signs, use, gap, upper, lower, positive, weight, gram, side, H, b)
        g[:] = b  # minus half the gradient
        if pins:  # the kinks may bend in directions in which the rest is flat: keep the metric definite
            ridge = 0.0
            for a in range(K * d):
                ridge += (1e-6 if stalled == 0 else 1e-2) * H[a, a] / (K * d)
            for a in range(K * d):
                H[a, a] += ridge
        _kernels.cholesky(H, _lifted.TOLERANCE)
        _kernels.solve(H, b)
        if pins:
            smallest_subgradient(X, signs, gap, H, b, g, pins, pin_row, pin_unit, theta, A, solved, quad, lin)
        project(X, use, V, b, z, dz, pins, pin_row, pin_unit, theta)
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
def descend(X, y, signs, h, U, exact, tol, max_inner, losses, kept, pattern, gram, side, H, b, safeguard):
    """Alternate the kept set and the majoriser at U (K, d), in place. F_h never rises and needs no line search.

    Returns the number of steps, and whether the descent ended by itself; losses[: steps + 1] are the values
    of F_h, each below the last.
    """
    n, d = X.shape
    r, loss, work = np.empty(n), np.empty(n), np.empty(n)
    trial = np.empty_like(U)
    kept_trial, pattern_trial = np.empty_like(kept), np.empty_like(pattern)
    _lifted.evaluate(X, y, signs, U, pattern, r)
    losses[0] = _lifted.trimmed(r, h, loss, work, kept)
    for step in range(losses.size - 1):
        now = losses[step]
        if now <= exact:
            return step, True
        trial[:] = U
        _, finished = minimise(X, y, signs, kept, pattern, trial, tol, max_inner, gram, side, H, b, safeguard)
        _lifted.evaluate(X, y, signs, trial, pattern_trial, r)
        value = _lifted.trimmed(r, h, loss, work, kept_trial)
        if not value < now:
            return step, finished
        U[:] = trial
        kept[:] = kept_trial
        pattern[:] = pattern_trial
        losses[step + 1] = value
        if now - value <= tol * now:
            return step + 1, finished
    return losses.size - 1, losses[losses.size - 1] <= exact
