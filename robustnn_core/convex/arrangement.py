r"""Every activation pattern of a data set: the open cells of the arrangement of the hyperplanes {a : x_k.a = 0}."""

import itertools

import numpy as np

from robustnn_core import blas, checks
from robustnn_core.convex import cells, patterns, theory

__all__ = ["enumerate_patterns"]

#: Entries of sign vectors that are made at a time.
_CHUNK = 200_000


def enumerate_patterns(X, *, limit=200_000):
    """Return the pattern of every open cell of the arrangement {a : x_k.a = 0}, each once.

    Every cell of an arrangement of full rank r has a ray, where r - 1 independent hyperplanes meet. All these rays
    are computed; around a ray the cells are those of the hyperplanes through it, an arrangement of rank r - 1.
    The gate of a cell is the sum of its unit rays. Repeated, parallel and zero points and any other degeneracy are
    allowed. Every gate returned makes its pattern with a margin (every |x.a| above 1e-12 |x||a|); a thinner cell is
    left out. What that leaves open, and what rounding may miss, is accounted for by
    :func:`~robustnn_core.convex.price.price`, whose bound holds for every unit.

    Parameters
    ----------
    X : array_like, shape (n, d)
    limit : int
        Refuse if ``arrangement_count(n, rank)`` is larger.

    Raises
    ------
    ValueError
        Too many patterns; all points zero; a point with no square in floating point.

    Examples
    --------
    >>> from robustnn_core.convex import enumerate_patterns
    >>> enumerate_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).count
    5
    """
    X = checks.squarable(checks.array(X, "X", shape=("n", "d")), "X", axis=1)
    limit = checks.integer(limit, "limit", at_least=1)
    seen = np.flatnonzero((X != 0.0).any(axis=1))
    if not len(seen):
        raise ValueError("X has no nonzero point, so it has no pattern; give data")
    # The cells are the same in any coordinates, so they are sought in those where the directions are spread best:
    # columns of size one, rows of length one, then the left singular vectors.
    scale = np.abs(X[seen]).max(axis=0)
    scale[scale == 0.0] = 1.0
    unit = X[seen] / scale
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    lines, which, side = _lines(unit, 1e-15)  # parallel up to rounding, no more
    left, size, basis = np.linalg.svd(lines, full_matrices=False)
    rank = int((size > max(lines.shape) * np.finfo(float).eps * size[0]).sum())
    possible = theory.arrangement_count(len(lines), rank)
    if possible > limit:
        raise ValueError(
            f"X has up to {possible} patterns (arrangement_count of {len(lines)} points of rank {rank}), more than "
            f"limit = {limit}; sample them by sample_patterns, or raise limit"
        )
    Z = left[:, :rank] / np.linalg.norm(left[:, :rank], axis=1)[:, None]
    found, points = _cells(Z)
    gates = (blas.product(points / size[:rank], basis[:rank]) / scale).T
    signs = found[:, which] * side
    active = np.ones((len(X), len(found)), dtype=bool)
    active[seen] = signs.T > 0
    # what its gate does not clearly make is either thin or made up by rounding: the widest gate decides
    made = cells.margins(X, active, gates) > cells.MARGIN
    for i in np.flatnonzero(~made):
        gate = cells.inside(X, active[:, i])
        if gate is not None:
            gates[:, i], made[i] = gate, True
    return patterns.collect(X, active[:, made], gates[:, made], "X has no pattern that sees a point; give other data")


# ---------------------------------------------------------------------------------------------------
# Rows of Z are unit vectors that span R^r.


def _lines(Z, apart):
    """The distinct lines of the rows: representatives, the index of each row's line and its side (+-1).

    Rows whose entries differ by less than ``apart``, up to the sign, are on one line.
    """
    inner = blas.gram(Z)
    which, side, chosen = np.empty(len(Z), dtype=int), np.empty(len(Z)), []
    for k in range(len(Z)):
        # sin^2 of the angle, computed without cancellation
        for i, c in enumerate(chosen):
            s = 1.0 if inner[k, c] > 0.0 else -1.0
            if np.abs(Z[k] - s * Z[c]).max() < apart:
                which[k], side[k] = i, s
                break
        else:
            which[k], side[k] = len(chosen), 1.0
            chosen.append(k)
    return Z[chosen], which, side


def _cells(Z):
    """Sign vectors (C, n) in {-1, 1} of the open cells of distinct lines that span R^r, and a point of each (C, r)."""
    n, r = Z.shape
    if r == 1:
        return np.array([[1.0], [-1.0]]) * np.sign(Z[:, 0]), np.array([[1.0], [-1.0]])
    merged = {}
    met = set()
    free = np.array(list(itertools.product((-1.0, 1.0), repeat=r - 1)))
    subsets = itertools.combinations(range(n), r - 1)
    while chunk := list(itertools.islice(subsets, max(1, _CHUNK >> r))):
        chunk = np.array(chunk)
        size, vectors = np.linalg.svd(Z[chunk])[1:]
        good = size[:, -1] > 1e-9
        chunk, rays = chunk[good], vectors[good, -1]
        along = rays @ Z.T
        tied = np.abs(along) < 1e-9
        np.put_along_axis(tied, chunk, True, axis=1)
        simple = tied.sum(axis=1) == r - 1
        signs, points = [], []
        if simple.any():
            s = np.repeat(np.sign(along[simple])[:, None, :], len(free), axis=1)
            np.put_along_axis(
                s,
                np.repeat(chunk[simple][:, None, :], len(free), axis=1),
                np.broadcast_to(free, (simple.sum(), *free.shape)),
                axis=2,
            )
            signs.append(s.reshape(-1, n))
            points.append(np.repeat(rays[simple], len(free), axis=0))
        for i in np.flatnonzero(~simple):
            key = tied[i].tobytes()
            if key not in met:  # another subset of the same concurrent hyperplanes gives the same ray
                met.add(key)
                local = Z[tied[i]] @ np.linalg.svd(rays[i][None])[2][1:].T
                lines, which, side = _lines(local / np.linalg.norm(local, axis=1)[:, None], 1e-10)
                around = _cells(lines)[0][:, which] * side
                s = np.repeat(np.sign(along[i])[None], len(around), axis=0)
                s[:, tied[i]] = around
                signs.append(s)
                points.append(np.repeat(rays[i][None], len(around), axis=0))
        if signs:
            s, p = np.concatenate(signs), np.concatenate(points)
            _merge(merged, np.concatenate([s, -s]), np.concatenate([p, -p]))
    signs = np.array([np.unpackbits(np.frombuffer(key, dtype=np.uint8), count=n) for key in sorted(merged)])
    return 2.0 * signs - 1.0, np.array([merged[key] for key in sorted(merged)])


def _merge(merged, signs, points):
    """Add the points of equal sign vectors, into ``merged``."""
    packed = np.ascontiguousarray(np.packbits(signs > 0.0, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    distinct, where = np.unique(keys, return_inverse=True)
    total = np.zeros((len(distinct), points.shape[1]))
    for j in range(points.shape[1]):
        total[:, j] = np.bincount(where, weights=points[:, j], minlength=len(distinct))
    for key, value in zip(distinct, total):
        key = key.tobytes()
        merged[key] = merged[key] + value if key in merged else value
