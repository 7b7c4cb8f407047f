"""Least absolute deviations on whitened data, edge by edge. Private."""

import numpy as np
import scipy.linalg
from numba import njit

from robustnn_core.breakdown import _kernels


@njit(cache=True, nogil=True)
def median_step(ratio, weight, target, order):
    """Return where in ``order`` the weighted lower median of ratio is: the first whose cumulative weight >= target."""
    left, right = 0, ratio.size - 1
    done = 0.0
    while left < right:
        pivot = ratio[order[(left + right) >> 1]]
        i, j = left, right
        while i <= j:
            while ratio[order[i]] < pivot:
                i += 1
            while ratio[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        mass = 0.0
        for k in range(left, j + 1):
            mass += weight[order[k]]
        if done + mass >= target:
            right = j
            continue
        for k in range(j + 1, i):
            mass += weight[order[k]]
        if done + mass >= target:
            return j + 1  # the pivot itself
        done += mass
        left = i
    return left


@njit(cache=True, nogil=True)
def refine_inverse(Q, basis, inverse, product, refined):
    """One Newton-Schulz step: inverse (2 I - Q[basis] inverse)."""
    p = basis.size
    for a in range(p):
        for k in range(p):
            total = 2.0 if a == k else 0.0
            for m in range(p):
                total -= Q[basis[a], m] * inverse[m, k]
            product[a, k] = total
    for a in range(p):
        for k in range(p):
            total = 0.0
            for m in range(p):
                total += inverse[a, m] * product[m, k]
            refined[a, k] = total
    inverse[:] = refined


@njit(cache=True, nogil=True)
def vertex(Q, y, basis, inverse, inside, c, r, gradient):
    """Write the fit c of the basis, its residuals r and the gradient of the other points; return the sum of moduli."""
    n, p = Q.shape
    for a in range(p):
        total = 0.0
        for k in range(p):
            total += inverse[a, k] * y[basis[k]]
        c[a] = total
    _kernels.residuals(Q, y, c, r)
    gradient[:] = 0.0
    objective = 0.0
    for i in range(n):
        if not inside[i]:
            objective += abs(r[i])
            sign = 1.0 if r[i] > 0.0 else -1.0
            for a in range(p):
                gradient[a] += sign * Q[i, a]
    return objective


@njit(cache=True, nogil=True)
def steepest_edge(gradient, inverse):
    """Return the basis point to let go of (-1: no edge descends) and on which side of it the edge goes on."""
    p = gradient.size
    best, leave, direction = 1e-10, -1, 1.0
    for j in range(p):
        slope = 0.0
        length = 0.0
        for a in range(p):
            slope += gradient[a] * inverse[a, j]
            length += inverse[a, j] * inverse[a, j]
        gain = (abs(slope) - 1.0) / np.sqrt(length)
        if gain > best:
            best, leave, direction = gain, j, (1.0 if slope > 0.0 else -1.0)
    return leave, direction


@njit(cache=True, nogil=True)
def lowest_on_edge(Q, r, d, inside, leaving, ratio, weight, order):
    """Return the point whose residual is 0 where the sum of moduli is least on the line c + t d."""
    n, p = Q.shape
    total = 0.0
    for i in range(n):
        w = 0.0
        for a in range(p):
            w += Q[i, a] * d[a]
        order[i] = i
        weight[i] = abs(w)
        ratio[i] = r[i] / w if w != 0.0 else 0.0
        if inside[i]:
            weight[i] = 1.0 if i == leaving else 0.0
            ratio[i] = 0.0
        total += weight[i]
    return order[median_step(ratio, weight, 0.5 * total, order)]


@njit(cache=True, nogil=True)
def exchange(row, inverse, leave, direction, d):
    """Replace row ``leave`` of the basis by ``row``: a rank-one change of its inverse, d the edge of it."""
    p = row.size
    entering = 0.0
    for a in range(p):
        entering += row[a] * d[a]
    for a in range(p):
        d[a] = inverse[a, leave] / (direction * entering)
    for k in range(p):
        if k != leave:
            product = 0.0
            for a in range(p):
                product += row[a] * inverse[a, k]
            for a in range(p):
                inverse[a, k] -= d[a] * product
    for a in range(p):
        inverse[a, leave] = d[a]


@njit(cache=True, nogil=True)
def descend(Q, y, basis, inverse, c, max_iter):
    """Descend edge by edge; ``inverse`` is the inverse of Q[basis]. Returns the number of edges, or -1."""
    n, p = Q.shape
    r, ratio, weight, order = np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int64)
    inside = np.zeros(n, np.bool_)
    gradient, d = np.empty(p), np.empty(p)
    square, refined = np.empty((p, p)), np.empty((p, p))
    for a in range(p):
        inside[basis[a]] = True
    least, stalled = np.inf, 0
    for iteration in range(max_iter):
        if iteration % 32 == 31:
            refine_inverse(Q, basis, inverse, square, refined)
        objective = vertex(Q, y, basis, inverse, inside, c, r, gradient)
        stalled = 0 if objective < least * (1.0 - 1e-14) else stalled + 1
        least = min(least, objective)
        if stalled > 2 * p + 10:  # what is left to gain is rounding
            return iteration
        leave, direction = steepest_edge(gradient, inverse)
        if leave < 0:
            return iteration
        for a in range(p):
            d[a] = direction * inverse[a, leave]
        enter = lowest_on_edge(Q, r, d, inside, basis[leave], ratio, weight, order)
        if enter == basis[leave] or inside[enter]:
            return iteration
        exchange(Q[enter], inverse, leave, direction, d)
        inside[basis[leave]] = False
        inside[enter] = True
        basis[leave] = enter
    return -1


def solve(Q, y, max_iter):
    """LAD on whitened data: (coef in the coordinates of Q, basis, edges, converged)."""
    n, p = Q.shape
    rows = Q * np.sqrt(n)
    c = rows.T @ y / n
    r = np.abs(y - rows @ c)
    jitter = np.random.Generator(np.random.PCG64(0)).uniform(-1.0, 1.0, n)  # a constant: breaks ties, draws nothing
    shaken = y + 1e-11 * (np.median(np.abs(y)) + r.mean()) * jitter
    near = np.argsort(r, kind="stable") if n <= 64 * p else np.sort(np.argpartition(r, 64 * p)[: 64 * p])
    basis = independent_rows(rows, near)
    if basis is None:
        basis = independent_rows(rows, np.arange(n))
    inverse = np.linalg.inv(rows[basis])
    edges = descend(rows, shaken, basis, np.ascontiguousarray(inverse), c, max_iter)
    c = np.linalg.solve(rows[basis], y[basis])
    return c * np.sqrt(n), basis, max_iter if edges < 0 else edges, edges >= 0


def independent_rows(rows, order):
    """p well-conditioned rows among ``order`` (pivoted QR), or None."""
    p = rows.shape[1]
    _, R, pivots = scipy.linalg.qr(rows[order].T, mode="economic", pivoting=True, check_finite=False)
    if R.shape[1] < p or abs(R[p - 1, p - 1]) <= 1e-9 * abs(R[0, 0]):
        return None
    return np.ascontiguousarray(order[pivots[:p]])
