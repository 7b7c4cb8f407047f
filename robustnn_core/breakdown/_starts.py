"""Starting nets for the fits: linear pieces found by consensus, then put together into units.

A net of K signed ReLU units is linear on the cells of a hyperplane arrangement. A start is built in two
moves. *Pieces*: solve for the linear map through d points that probably share a cell, and score it by how
many points it explains. *Assembly*: two neighbouring cells differ by one unit, so the units are among the
differences of pieces; a beam search adds one unit at a time. For one unit the cell is known up to the
corruption, it is {s y > 0}, and least trimmed squares there attains the exact breakdown point
(:func:`robustnn_core.breakdown.theory.positive_half_limit`).
"""

import numpy as np
from numba import njit

from robustnn_core.breakdown import _kernels, _lts, theory

ROWS = 1500  # points looked at when searching for pieces: a random subset of larger samples
CENTRES = 96
ROUNDS = (3000, 6000, 18_000)  # draws; a net that fits the kept points exactly ends the search
POOL = 3000  # draws kept for grouping
PIECES = 48
UNITS = 300
BEAM = 16
SLICES = ((0.0, 1.0), (0.0, 1 / 3), (0.5, 1.0))  # of the sorted positive responses: an adversary cannot own all three


def random(X, y, signs, count, rng):
    """Gaussian units, shape (count, K, d), scaled so that the nets have the size of the responses."""
    K, d = signs.size, X.shape[1]
    U = rng.standard_normal((count, K, d))
    typical = np.median(np.abs(y[y != 0])) if np.any(y != 0) else 1.0
    return U * typical / max(np.median(np.linalg.norm(X, axis=1)), 1e-300)


def elemental(X, y, signs, keep, count, rng):
    """The default starts, shape (<= count, K, d): one unit by slices, more by pieces and assembly."""
    if signs.size == 1:
        return _one_unit(X, y, signs[0], count, rng)
    return _assemble(X, y, signs, keep, count, rng)


def _one_unit(X, y, sign, count, rng):
    d = X.shape[1]
    pool = np.flatnonzero(sign * y > 0)
    pool = pool[np.argsort(sign * y[pool], kind="stable")]
    found = []
    for low, high in SLICES:
        rows = pool[int(low * pool.size) : int(np.ceil(high * pool.size))]
        if rows.size <= d:
            continue
        Q, R = np.linalg.qr(X[rows])
        if np.abs(np.diag(R)).min() <= 1e-12 * np.abs(np.diag(R)).max():
            continue
        h = (rows.size + d + 1) // 2
        c, *_ = _lts.solve(np.ascontiguousarray(Q), y[rows], h, rng, 480, 8, 100, 1)
        found.append(sign * np.linalg.solve(R, c))
    return np.array(found[:count]).reshape(-1, 1, d)


def safe(X, y, signs, U, h):
    """Does a net fit h points exactly, and so many that no attack inside the bounds can have forged it?

    With two units at a small angle the impostor of the merge attack fits 3n/4 points exactly too: an exact
    fit ends a search only if it misses fewer points than the angle bound of its own units allows.
    """
    r = np.abs(y - np.maximum(X @ U.T, 0.0) @ signs)
    missed = int((r > 1e-9 * np.median(np.abs(y[y != 0]))).sum()) if y.any() else 0
    lengths = np.linalg.norm(U, axis=1)
    if missed > y.size - h or not lengths.min() > 1e-6 * lengths.max():
        return False
    return signs.size == 1 or missed < theory.angle_bound(U) * y.size


@njit(cache=True, nogil=True)
def _search(X, y, order, centre, size, uniforms, scale, coefs, scores, levels, A, r, counts, picks):
    """For every draw: d distinct points among the ``size`` nearest to a centre, the map through them, its consensus."""
    d = X.shape[1]
    for s in range(uniforms.shape[0]):
        _kernels.distinct(uniforms[s], size[s], picks)
        for a in range(d):
            i = order[centre[s], picks[a]]
            coefs[s, a] = y[i]
            for k in range(d):
                A[a, k] = X[i, k]
        scores[s] = -1.0
        if _kernels.eliminate(A, coefs[s]):
            _kernels.residuals(X, y, coefs[s], r)
            scores[s], levels[s] = _kernels.consensus(r, scale, counts)


@njit(cache=True, nogil=True)
def _extend(outputs, partial, sign, y, scale, scores, r, counts):
    """Consensus of y - partial - sign * outputs[j] for every candidate unit j."""
    for j in range(outputs.shape[0]):
        for i in range(y.size):
            r[i] = y[i] - partial[i] - sign * outputs[j, i]
        scores[j] = _kernels.consensus(r, scale, counts)[0]


def _assemble(X, y, signs, keep, count, rng):
    n, d = X.shape
    sizes = np.linalg.norm(X, axis=1)
    rows = np.flatnonzero(sizes > 0)
    rows = np.sort(rng.permutation(rows)[:ROWS])
    if rows.size < 2 * d or not np.any(y[rows]):
        return np.empty((0, signs.size, d))
    unit = sizes[rows].mean()  # work with rows of size about one: `eliminate` has an absolute tolerance
    h = min(rows.size, int(np.ceil(keep * rows.size / n)))
    X, y = np.ascontiguousarray(X[rows] / unit), y[rows]
    n = y.size
    scale = np.median(np.abs(y[y != 0]))
    directions = X / np.linalg.norm(X, axis=1, keepdims=True)
    centres = rng.permutation(n)[:CENTRES]
    order = np.argsort(-(directions[centres] @ directions.T), axis=1, kind="stable")
    nearest, widest = min(n, d + 2), max(min(n, d + 3), n // 3)
    found = None
    for draws in ROUNDS:
        size = np.exp(rng.uniform(np.log(nearest), np.log(widest), draws)).astype(np.int64)
        centre = np.arange(draws) % centres.size
        coefs, scores, levels = np.zeros((draws, d)), np.zeros(draws), np.zeros(draws, np.int64)
        _search(
            X,
            y,
            order,
            centre,
            size,
            rng.random((draws, d)),
            scale,
            coefs,
            scores,
            levels,
            np.empty((d, d)),
            np.empty(n),
            np.empty(_kernels.LEVELS + 1),
            np.empty(d, np.int64),
        )
        best = np.argsort(-scores, kind="stable")[:POOL]
        batch = coefs[best], scores[best], levels[best]
        found = batch if found is None else tuple(np.concatenate(pair) for pair in zip(found, batch))
        pieces = _group(X, y, scale, *found)
        nets = _beam(X, y, _differences(pieces), signs, scale, count)
        if len(nets) and safe(X, y, signs, nets[0], h):
            break
    return nets / unit


def _group(X, y, scale, coefs, scores, levels):
    """Pieces (P, d): the best map, without the maps that explain the same points, and so on; zero first."""
    best = np.argsort(-scores, kind="stable")[:POOL]
    explained = np.abs(y - coefs[best] @ X.T) <= scale * 2.0 ** -levels[best][:, None]
    sizes = explained.sum(axis=1)
    alive = sizes > X.shape[1] + 1
    pieces = [np.zeros(X.shape[1])]
    while alive.any() and len(pieces) < PIECES:
        first = int(np.argmax(alive))
        inliers = explained[first]
        pieces.append(np.linalg.lstsq(X[inliers], y[inliers], rcond=None)[0])
        shared = explained[np.ix_(alive, inliers)].sum(axis=1)
        alive[alive] = shared <= 0.5 * np.minimum(sizes[alive], sizes[first])
        alive[first] = False
    return np.array(pieces)


def _differences(pieces):
    """Candidate units s u (M, d): differences of two pieces, those that recur first."""
    d = pieces.shape[1]
    gaps = (pieces[:, None, :] - pieces[None, :, :]).reshape(-1, d)
    lengths = np.linalg.norm(gaps, axis=1)
    gaps, lengths = gaps[lengths > 0], lengths[lengths > 0]
    chosen, votes = np.empty(0, np.int64), []
    for i in range(len(gaps)):
        if chosen.size:
            distance = np.linalg.norm(gaps[chosen] - gaps[i], axis=1)
            near = int(np.argmin(distance))
            if distance[near] <= 1e-4 * lengths[i]:
                votes[near] += 1
                continue
        chosen = np.append(chosen, i)
        votes.append(1)
    return gaps[chosen[np.argsort(-np.array(votes), kind="stable")[:UNITS]]]


def _beam(X, y, units, signs, scale, count):
    """The ``count`` best nets (count, K, d) by consensus, one unit more at a time, BEAM nets kept on the way."""
    n, K = y.size, signs.size
    if not len(units):
        return np.empty((0, K, X.shape[1]))
    on = {
        s: np.maximum(s * (units @ X.T), 0.0) for s in set(signs)
    }  # a piece difference is s u: the unit is u = s (s u)
    states = [((), np.zeros(n))]
    r, scores, counts = np.empty(n), np.empty(len(units)), np.empty(_kernels.LEVELS + 1)
    for _ in range(K):
        options = {}
        for members, partial in states:
            for s in sorted(set(signs)):
                if sum(1 for _, t in members if t == s) == np.sum(signs == s):
                    continue
                _extend(on[s], partial, s, y, scale, scores, r, counts)
                for j in np.argsort(-scores, kind="stable")[:BEAM]:
                    key = tuple(sorted((*members, (int(j), float(s)))))
                    options.setdefault(key, (scores[j], int(j), s, partial))
        ranked = sorted(options.items(), key=lambda item: (-item[1][0], item[0]))[: max(BEAM, count)]
        states = [(key, partial + s * on[s][j]) for key, (_, j, s, partial) in ranked]
    nets = np.empty((len(states[:count]), K, X.shape[1]))
    for net, (members, _) in zip(nets, states):
        for s in set(signs):
            net[signs == s] = [s * units[j] for j, t in members if t == s]
    return nets
