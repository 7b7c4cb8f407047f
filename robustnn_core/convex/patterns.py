r"""Activation patterns: which points a ReLU unit sees.

A *gate* a in R^d gives the pattern :math:`D = \mathrm{diag}(\mathbf 1[Xa \ge 0])`. The convex program has one block
of variables for each distinct pattern.

The pattern that no (nonzero) point sees is left out everywhere: its block does not change the net, so it is zero.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from robustnn_core import blas, checks, streams
from robustnn_core.convex import theory
from robustnn_core.convex.cells import box, flat_block, nearness, robust_margin

__all__ = ["Patterns", "enumerate_patterns", "robust_margins", "sample_patterns", "screen_patterns"]

#: A gate makes a pattern if every |x.a| is larger than this times |x||a|.
MARGIN = 1e-12
_CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class Patterns:
    """Distinct activation patterns of n points, each with a gate that makes it.

    Parameters
    ----------
    active : array_like of bool, shape (n, P)
        ``active[k, i]``: point k is on the closed positive side of gate i. No two columns are equal.
    gates : array_like, shape (d, P)

    Raises
    ------
    ValueError
        Shapes that do not fit, no pattern, a repeated pattern.

    Examples
    --------
    >>> Patterns([[True, False], [False, False]], [[1.0, -1.0], [-1.0, -1.0]]).count
    2
    """

    active: np.ndarray
    gates: np.ndarray

    def __post_init__(self):
        active = np.ascontiguousarray(checks.boolean_array(self.active, "active", shape=("n", "P")))
        gates = checks.array(self.gates, "gates", shape=("d", active.shape[1]))
        distinct = np.unique(np.packbits(active, axis=0), axis=1).shape[1]
        if distinct < active.shape[1]:
            raise ValueError(
                f"active has {active.shape[1]} patterns, only {distinct} of them distinct; keep one of each"
            )
        object.__setattr__(self, "active", active)
        object.__setattr__(self, "gates", gates)

    @property
    def count(self):
        """P, the number of patterns."""
        return self.active.shape[1]

    def take(self, index):
        """Return the patterns of these columns, in this order.

        Examples
        --------
        >>> Patterns([[True, False]], [[1.0, -1.0]]).take([1]).active
        array([[False]])
        """
        return Patterns(self.active[:, index], self.gates[:, index])


def sample_patterns(X, count, *, seed, radius=0.0, bias=None, perturbations=1):
    """Draw gates N(0, I) and keep the distinct patterns they make.

    Parameters
    ----------
    X : array_like, shape (n, d)
    count : int >= 1
        Draws, not patterns: that is what :func:`~robustnn_core.convex.theory.patterns_needed` counts. The first
        draws of a longer sample are those of a shorter one.
    seed : int or tuple
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.
    perturbations : int >= 1
        S: of each gate the patterns on X and on S - 1 copies of X moved by the radius times random signs. A pattern
        of moved points is kept only if some gate makes it on X itself (a linear program finds that gate): any other
        one has no block but zero. Whether a block survives the radius is the business of :func:`screen_patterns`.

    Raises
    ------
    ValueError
        No draw sees a point.

    Examples
    --------
    >>> X = [[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]]
    >>> sample_patterns(X, 200, seed=0).count  # all six but the one that sees nothing
    5
    """
    X = checks.array(X, "X", shape=("n", "d"))
    count = checks.integer(count, "count", at_least=1)
    perturbations = checks.integer(perturbations, "perturbations", at_least=1)
    e = box(X, radius, bias=bias)
    gate_seed, move_seed = streams.spawn(seed, 2)
    A = streams.generator(gate_seed).standard_normal((count, X.shape[1])).T
    active, gates = _made(X, A)
    if perturbations > 1 and e.any():
        rng = streams.generator(move_seed)
        found = [blas.product(X + e * _signs(rng, X.shape), A) >= 0.0 for _ in range(perturbations - 1)]
        known = set(_keys(active))
        for pattern, key in zip(np.hstack(found).T, _keys(np.hstack(found))):
            if key not in known:
                known.add(key)
                gate = _inside(X, pattern)
                if gate is not None:
                    active = np.column_stack([active, pattern])
                    gates = np.column_stack([gates, gate])
    return _collect(X, active, gates, f"none of count = {count} draws sees a point; draw more")


def enumerate_patterns(X, *, limit=200_000):
    """Return the pattern of every open cell of the arrangement {a : x_k.a = 0}, each once.

    Every cell of an arrangement of full rank r has a ray, where r - 1 independent hyperplanes meet. All these rays
    are computed; around a ray the cells are those of the hyperplanes through it, an arrangement of rank r - 1.
    The gate of a cell is the sum of its unit rays. Repeated, parallel and zero points and any other degeneracy are
    allowed. Every gate returned makes its pattern with a margin (every |x.a| above 1e-12 |x||a|); a thinner cell is
    left out. What that leaves open, and what rounding may miss, is accounted for by
    :func:`~robustnn_core.convex.generation.price`, whose bound holds for every unit.

    Parameters
    ----------
    X : array_like, shape (n, d)
    limit : int
        Refuse if ``arrangement_count(n, rank)`` is larger.

    Raises
    ------
    ValueError
        Too many patterns; all points zero.

    Examples
    --------
    >>> enumerate_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).count
    5
    """
    X = checks.array(X, "X", shape=("n", "d"))
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
            f"X has up to {possible} patterns (arrangement_count of {len(lines)} points of rank {rank}), more than limit = "
            f"{limit}; sample them by sample_patterns, or raise limit"
        )
    Z = left[:, :rank] / np.linalg.norm(left[:, :rank], axis=1)[:, None]
    cells, points = _cells(Z)
    gates = (blas.product(points / size[:rank], basis[:rank]) / scale).T
    signs = cells[:, which] * side
    active = np.ones((len(X), len(cells)), dtype=bool)
    active[seen] = signs.T > 0
    # what its gate does not clearly make is either thin or made up by rounding: the widest gate decides
    made = _margins(X, active, gates) > MARGIN
    for i in np.flatnonzero(~made):
        gate = _inside(X, active[:, i])
        if gate is not None:
            gates[:, i], made[i] = gate, True
    return _collect(X, active[:, made], gates[:, made], "X has no pattern that sees a point; give other data")


def robust_margins(X, patterns, radius, *, bias=None):
    r"""Return :math:`t^* = \max_{\|e\circ v\|_1\le 1}\min_k (E_iXv)_k` of each pattern, +inf where it is unbounded.

    A block of pattern i is consistent under every perturbation of the box iff :math:`E_iXv \ge \|e\circ v\|_1`. A
    nonzero one exists iff t* >= 1 or some v != 0 has :math:`e\circ v=0\le E_iXv`.

    Parameters
    ----------
    X : array_like, shape (n, d)
    patterns : Patterns
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.

    Returns
    -------
    ndarray, shape (P,)

    Examples
    --------
    >>> robust_margins([[1.0], [-3.0]], Patterns([[1], [0]], [[1.0]]), 0.25)
    array([4.])
    """
    X, patterns, e = _checked(X, patterns, radius, bias)
    return np.array([robust_margin(X, patterns.active[:, i], e)[0] for i in range(patterns.count)])


def screen_patterns(X, patterns, radius, *, bias=None):
    r"""Return the patterns that have a nonzero robust block, with a robust gate where there is one.

    Without a radius those of the open cells of X; otherwise those with t* >= 1 (see :func:`robust_margins`), and,
    where columns have radius 0, those with a nonzero block on such columns alone. A gate that is robust itself proves
    t* >= 1, and two points on different sides closer than 2e prove t* < 1; what is left is a linear program.

    Parameters
    ----------
    X : array_like, shape (n, d)
    patterns : Patterns
    radius, bias
        See :func:`~robustnn_core.convex.cells.box`.

    Raises
    ------
    ValueError
        The radius leaves no pattern (the message says which one would).

    Examples
    --------
    >>> X = [[1.0], [-3.0]]
    >>> screen_patterns(X, Patterns([[1, 0], [0, 1]], [[1.0, -1.0]]), 0.9).count
    2
    >>> screen_patterns(X, Patterns([[1, 0], [0, 1]], [[1.0, -1.0]]), 1.1)
    Traceback (most recent call last):
        ...
    ValueError: radius = 1.1 leaves none of the 2 patterns; a radius up to 1 leaves one, or draw more patterns
    """
    X, patterns, e = _checked(X, patterns, radius, bias)
    keep, gates = [], patterns.gates.copy()
    near = nearness(X, e) if e.any() else None
    best, undecided = 0.0, []
    for i in range(patterns.count):
        active, gate = patterns.active[:, i], gates[:, i]
        side = np.where(active, 1.0, -1.0) * (X @ gate)
        if e.any():
            rounding = 1e-15 * X.shape[1] * (np.abs(X) @ np.abs(gate)).max()
            if side.min() - rounding >= (e * np.abs(gate)).sum() * (1.0 + 1e-12) and side.min() > rounding:
                keep.append(i)
                continue
            if active.any() and not active.all() and near[np.ix_(active, ~active)].min() < 1.0 - 1e-12:
                if flat_block(X, active, e):
                    keep.append(i)
                else:
                    undecided.append(i)
                continue
            margin, robust = robust_margin(X, active, e)
            best = max(best, margin)
            if margin >= 1.0 - 1e-9:
                keep.append(i)
                if robust is not None:
                    gates[:, i] = robust
            elif flat_block(X, active, e):
                keep.append(i)
        elif _makes(X, active, gate):
            keep.append(i)
        else:
            gate = _inside(X, active)
            if gate is not None:
                keep.append(i)
                gates[:, i] = gate
    if not keep:
        if not e.any():
            raise ValueError(f"none of the {patterns.count} patterns is a pattern of X; sample them from this X")
        best = max([best, *(robust_margin(X, patterns.active[:, i], e)[0] for i in undecided)])
        shown = f"{np.max(radius):.6g}" if np.ndim(radius) == 0 else "radius"
        largest = f"{best * np.max(radius):.6g}" if np.ndim(radius) == 0 else f"{best:.6g} * radius"
        advice = f"a radius up to {largest} leaves one, or draw more patterns" if best > 0.0 else "draw more patterns"
        raise ValueError(f"radius = {shown} leaves none of the {patterns.count} patterns; {advice}")
    return Patterns(patterns.active[:, keep], gates[:, keep])


# ---------------------------------------------------------------------------------------------------


def _signs(rng, shape):
    return np.where(rng.standard_normal(shape) >= 0.0, 1.0, -1.0)


def _keys(active):
    """One hashable key a pattern."""
    return [column.tobytes() for column in np.packbits(active, axis=0).T]


def _made(X, A):
    """The patterns of gates A (d, m), without gates that a point nearly lies on."""
    Z = blas.product(X, A)
    size = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(A, axis=0)
    clear = ((np.abs(Z) > MARGIN * size) | (np.linalg.norm(X, axis=1) == 0.0)[:, None]).all(axis=0)
    return Z[:, clear] >= 0.0, A[:, clear]


def _makes(X, active, gate):
    """Whether the gate makes the pattern with margin (points at the origin are active, whatever the gate)."""
    return bool(_margins(X, active[:, None], gate[:, None])[0] > MARGIN)


def _margins(X, active, gates):
    """The least sine of each gate (d, m) over its points' hyperplanes; -inf: a point at the origin is not active."""
    size, length = np.linalg.norm(X, axis=1), np.linalg.norm(gates, axis=0)
    seen = size > 0.0
    least = np.full(gates.shape[1], np.inf)
    if seen.any():
        S = np.where(active[seen], 1.0, -1.0) * blas.product(X[seen], gates) / size[seen, None]
        least = S.min(axis=0) / np.where(length > 0.0, length, 1.0)
    return np.where(active[~seen].all(axis=0), least, -np.inf)


def _collect(X, active, gates, message):
    """Patterns of the distinct columns that see a nonzero point, in order of appearance."""
    keep, known = [], set()
    sees = active[(X != 0.0).any(axis=1)].any(axis=0)
    for i, key in enumerate(_keys(active)):
        if sees[i] and key not in known:
            known.add(key)
            keep.append(i)
    if not keep:
        raise ValueError(message)
    return Patterns(active[:, keep], gates[:, keep])


def _checked(X, patterns, radius, bias=None):
    X = checks.array(X, "X", shape=("n", "d"))
    if not isinstance(patterns, Patterns):
        raise ValueError(f"patterns = {patterns!r} must be Patterns; make them by sample_patterns(X, count, seed=...)")
    if (patterns.active.shape[0], patterns.gates.shape[0]) != X.shape:
        raise ValueError(
            f"patterns are for n = {patterns.active.shape[0]} points in d = {patterns.gates.shape[0]} dimensions, "
            f"X has shape {X.shape}; sample them from this X"
        )
    return X, patterns, box(X, radius, bias=bias)


def _inside(X, active):
    """A gate that makes the pattern with the largest margin, or None."""
    size = np.linalg.norm(X, axis=1)
    if not active[size == 0.0].all():
        return None
    rows = np.where(active, 1.0, -1.0)[:, None] * X
    gate = _widest(rows[size > 0.0] / size[size > 0.0, None])
    return gate if _makes(X, active, gate) else None


def _widest(rows):
    """The u with the largest min_k rows_k.u / |u|, nearly 0 where no u has rows u > 0.

    It is the point nearest to 0 of the rows' convex hull, by nonnegative least squares (Lawson & Hanson, chapter 23).
    """
    A = np.vstack([rows.T, np.ones(len(rows))])
    try:
        return rows.T @ nnls(A, np.r_[np.zeros(rows.shape[1]), 1.0])[0]
    except RuntimeError:  # its iterations ran out
        return np.zeros(rows.shape[1])


def _central(Z, E, A, steps=40):
    """Unit gates (P, d) near the analytic centres of their cells {a : E Z a > 0}, from gates A inside; |z_k| = 1.

    Damped Newton on sum log(E Z a) - n |a|^2 / 2, all cells at once. An interior point that starts beside a
    hyperplane breaks off.
    """
    n, d = Z.shape
    A = A / np.linalg.norm(A, axis=1)[:, None]
    todo = np.arange(len(A))
    for _ in range(steps):
        a, e = A[todo], E[todo]
        s = e * (a @ Z.T)
        force = (e / s) @ Z - n * a
        H = np.stack([(Z.T * q) @ Z for q in 1.0 / s**2])
        H[:, np.arange(d), np.arange(d)] += n
        try:
            step = np.linalg.solve(H, force[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:  # cells so thin that n is nothing beside 1 / s^2: the gates stay as they are
            break
        size = np.sqrt(np.maximum((force * step).sum(axis=1), 0.0))
        # far out the damped step of the theory is short: most of the way to the nearest hyperplane instead
        near = (-(e * (step @ Z.T)) / s).max(axis=1)
        share = np.minimum(1.0, np.maximum(0.9 / np.maximum(near, 1e-300), 1.0 / (1.0 + size)))
        new = a + share[:, None] * step
        inside = (e * (new @ Z.T) > 0.0).all(axis=1)
        A[todo[inside]] = new[inside]
        todo = todo[inside & (size > 0.5)]
        if not len(todo):
            break
    return A / np.linalg.norm(A, axis=1)[:, None]


# ---------------------------------------------------------------------------------------------------
# Enumeration. Rows of Z are unit vectors that span R^r.


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
