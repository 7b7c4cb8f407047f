"""Compiled loops of the interior point over many small matrices; no sum is reordered, whatever the threads."""

import numpy as np
from numba import njit

LANES = 16


@njit(cache=True)
def unpack(flat, H):
    """H (B, d, d) from the lower halves, row by row, in ``flat`` (B, d (d + 1) / 2)."""
    for b in range(H.shape[0]):
        k = 0
        for i in range(H.shape[1]):
            for j in range(i + 1):
                H[b, i, j] = flat[b, k]
                H[b, j, i] = flat[b, k]
                k += 1


@njit(cache=True)
def add_cone(H, scale, along, ray):
    """H_b += scale_b I + along_b ray_b ray_b^T."""
    for b in range(H.shape[0]):
        for i in range(H.shape[1]):
            c = along[b] * ray[b, i]
            for j in range(H.shape[2]):
                H[b, i, j] += c * ray[b, j]
            H[b, i, i] += scale[b]


@njit(cache=True)
def mirror(H):
    """The upper halves copied to the lower ones."""
    for b in range(H.shape[0]):
        for i in range(H.shape[1]):
            for j in range(i):
                H[b, i, j] = H[b, j, i]


@njit(cache=True)
def mask(Y, active, d):
    """Y (n, P d): zero where a point does not see a pattern, active (P, n)."""
    for k in range(Y.shape[0]):
        for i in range(active.shape[0]):
            if not active[i, k]:
                for j in range(i * d, i * d + d):
                    Y[k, j] = 0.0


@njit(cache=True)
def add(M, rows, part):
    """M[rows, rows] += part, lower halves only."""
    for j in range(len(rows)):
        for i in range(j, len(rows)):
            M[rows[i], rows[j]] += part[i, j]


@njit(cache=True)
def invert(H, half, out):
    """half_b = L^{-1} of H_b = L L^T, out_b = H_b^{-1}, ``LANES`` matrices side by side; False if one has no factor."""
    B, d, _ = H.shape
    L = np.zeros((d, d, LANES), H.dtype)
    X = np.zeros((d, d, LANES), H.dtype)
    s = np.zeros(LANES, H.dtype)
    for first in range(0, B, LANES):
        many = min(LANES, B - first)
        for b in range(LANES):  # the last lanes repeat a matrix
            src = first + min(b, many - 1)
            for i in range(d):
                for j in range(i + 1):
                    L[i, j, b] = H[src, i, j]
        for j in range(d):
            for i in range(j, d):
                for b in range(LANES):
                    s[b] = L[i, j, b]
                for k in range(j):
                    for b in range(LANES):
                        s[b] -= L[i, k, b] * L[j, k, b]
                if i == j:
                    for b in range(LANES):
                        if not s[b] > 0.0:
                            return False
                    for b in range(LANES):
                        L[j, j, b] = np.sqrt(s[b])
                else:
                    for b in range(LANES):
                        L[i, j, b] = s[b] / L[j, j, b]
        for j in range(d):
            for b in range(LANES):
                X[j, j, b] = 1.0 / L[j, j, b]
            for i in range(j + 1, d):
                for b in range(LANES):
                    s[b] = 0.0
                for k in range(j, i):
                    for b in range(LANES):
                        s[b] -= L[i, k, b] * X[k, j, b]
                for b in range(LANES):
                    X[i, j, b] = s[b] / L[i, i, b]
        for i in range(d):
            for j in range(i + 1):
                for b in range(many):
                    half[first + b, i, j] = X[i, j, b]
        for i in range(d):
            for j in range(i + 1):
                for b in range(LANES):
                    s[b] = 0.0
                for k in range(i, d):
                    for b in range(LANES):
                        s[b] += X[k, i, b] * X[k, j, b]
                for b in range(many):
                    out[first + b, i, j] = s[b]
                    out[first + b, j, i] = s[b]
    return True


@njit(cache=True)
def dot(A, B):
    """The inner products of the rows."""
    out = np.empty(A.shape[0])
    for b in range(A.shape[0]):
        total = 0.0
        for j in range(A.shape[1]):
            total += A[b, j] * B[b, j]
        out[b] = total
    return out


@njit(cache=True)
def combine(A, a, B, b):
    """a A + b B, row by row."""
    out = np.empty_like(A)
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            out[i, j] = a[i] * A[i, j] + b[i] * B[i, j]
    return out


@njit(cache=True)
def steepest(v, dv):
    """The largest of -dv / v."""
    top = -np.inf
    for i in range(v.size):
        top = max(top, -dv[i] / v[i])
    return top


@njit(cache=True)
def longest_in_cone(b0, b1, e0, e1):
    """Largest step that keeps every (b0, b1) + step (e0, e1) in the cone: the smallest positive root of a quadratic,
    in the form without cancellation."""
    longest = np.inf
    for i in range(len(b0)):
        bb, be, ee = 0.0, 0.0, 0.0
        for j in range(b1.shape[1]):
            bb += b1[i, j] * b1[i, j]
            be += b1[i, j] * e1[i, j]
            ee += e1[i, j] * e1[i, j]
        size = np.sqrt(bb)
        a, b, c = e0[i] * e0[i] - ee, b0[i] * e0[i] - be, (b0[i] - size) * (b0[i] + size)
        disc = b * b - a * c
        if disc >= 0.0:
            bottom = np.sqrt(disc) - b
            if bottom > 0.0:
                longest = min(longest, c / bottom)
        if e0[i] < 0.0:
            longest = min(longest, -b0[i] / e0[i])
    return longest
