r"""Activation patterns: which points a ReLU unit sees.

A *gate* a in R^d gives the pattern :math:`D = \mathrm{diag}(\mathbf 1[Xa \ge 0])`. The convex program has one block
of variables for each distinct pattern.

The pattern that no (nonzero) point sees is left out everywhere: its block does not change the net, so it is zero.
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import blas, checks, streams
from robustnn_core.convex import cells

__all__ = [
    "Patterns",
    "check_patterns",
    "collect",
    "distinct",
    "keys",
    "robust_margins",
    "sample_patterns",
    "screen_patterns",
]


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
        Shapes that do not fit, no pattern, a repeated pattern, a gate with no square in floating point.

    Examples
    --------
    >>> from robustnn_core.convex import Patterns
    >>> Patterns([[True, False], [False, False]], [[1.0, -1.0], [-1.0, -1.0]]).count
    2
    """

    active: np.ndarray
    gates: np.ndarray

    def __post_init__(self):
        active = np.ascontiguousarray(checks.boolean_array(self.active, "active", shape=("n", "P")))
        gates = checks.array(self.gates, "gates", shape=("d", active.shape[1]))
        checks.squarable(gates, "gates", axis=0)
        different = len(distinct(active))
        if different < active.shape[1]:
            raise ValueError(
                f"active has {active.shape[1]} patterns, only {different} of them distinct; keep one of each"
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
        >>> from robustnn_core.convex import Patterns
        >>> Patterns([[True, False]], [[1.0, -1.0]]).take([1]).active
        array([[False]])
        """
        return Patterns(self.active[:, index], self.gates[:, index])


def keys(active):
    """Return one hashable key for each column of ``active`` (n, P): equal columns have equal keys.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.patterns import keys
    >>> a, b, c = keys(np.array([[True, False, True], [False, False, False]]))
    >>> a == c, a == b
    (True, False)
    """
    return [column.tobytes() for column in np.packbits(active, axis=0).T]


def distinct(active):
    """Return the index of the first of all equal columns of ``active`` (n, P), in order of appearance.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.patterns import distinct
    >>> distinct(np.array([[True, False, True], [False, False, False]])).tolist()
    [0, 1]
    """
    first = {}
    for i, key in enumerate(keys(active)):
        first.setdefault(key, i)
    return np.array(list(first.values()), dtype=np.intp)


def collect(X, active, gates, message):
    """Return the :class:`Patterns` of the distinct columns that see a nonzero point, in order of appearance.

    Raises
    ------
    ValueError
        ``message``, where no column sees a point.
    """
    keep = distinct(active)
    keep = keep[active[(X != 0.0).any(axis=1)].any(axis=0)[keep]]
    if not len(keep):
        raise ValueError(message)
    return Patterns(active[:, keep], gates[:, keep])


def check_patterns(X, patterns):
    """Raise a ``ValueError`` unless ``patterns`` are Patterns of as many points and dimensions as ``X`` (n, d)."""
    if not isinstance(patterns, Patterns):
        raise ValueError(f"patterns = {patterns!r} must be Patterns; make them by sample_patterns(X, count, seed=...)")
    if (patterns.active.shape[0], patterns.gates.shape[0]) != X.shape:
        raise ValueError(
            f"patterns are for n = {patterns.active.shape[0]} points in d = {patterns.gates.shape[0]} dimensions, "
            f"X has shape {X.shape}; sample them from this X"
        )


def sample_patterns(X, count, *, seed, radius=0.0, bias=None, perturbations=1):
    """Draw gates N(0, I) and keep the distinct patterns they make.

    Parameters
    ----------
    X : array_like, shape (n, d)
    count : int >= 1
        Draws, not patterns: that is what :func:`~robustnn_core.convex.theory.patterns_needed` counts. The first
        draws of a longer sample are those of a shorter one.
    seed : int, tuple or numpy Generator
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
    >>> from robustnn_core.convex import sample_patterns
    >>> X = [[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]]
    >>> sample_patterns(X, 200, seed=0).count  # all six but the one that sees nothing
    5
    """
    X = checks.array(X, "X", shape=("n", "d"))
    count = checks.integer(count, "count", at_least=1)
    perturbations = checks.integer(perturbations, "perturbations", at_least=1)
    e = cells.box(X, radius, bias=bias)
    gate_seed, move_seed = streams.spawn(seed, 2)
    A = streams.generator(gate_seed).standard_normal((count, X.shape[1])).T
    active, gates = cells.patterns_of(X, A)
    if perturbations > 1 and e.any():
        rng = streams.generator(move_seed)
        moved = [blas.product(X + e * _signs(rng, X.shape), A) >= 0.0 for _ in range(perturbations - 1)]
        known = set(keys(active))
        moved = np.hstack(moved)
        moved = moved[:, distinct(moved)]
        for pattern, key in zip(moved.T, keys(moved)):
            if key not in known and (gate := cells.inside(X, pattern)) is not None:
                active = np.column_stack([active, pattern])
                gates = np.column_stack([gates, gate])
    return collect(X, active, gates, f"none of count = {count} draws sees a point; draw more")


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
    >>> from robustnn_core.convex import Patterns, robust_margins
    >>> robust_margins([[1.0], [-3.0]], Patterns([[1], [0]], [[1.0]]), 0.25)
    array([4.])
    """
    X = checks.array(X, "X", shape=("n", "d"))
    check_patterns(X, patterns)
    e = cells.box(X, radius, bias=bias)
    return np.array([cells.robust_margin(X, patterns.active[:, i], e)[0] for i in range(patterns.count)])


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
    >>> from robustnn_core.convex import Patterns, screen_patterns
    >>> X = [[1.0], [-3.0]]
    >>> screen_patterns(X, Patterns([[1, 0], [0, 1]], [[1.0, -1.0]]), 0.9).count
    2
    >>> screen_patterns(X, Patterns([[1, 0], [0, 1]], [[1.0, -1.0]]), 1.1)
    Traceback (most recent call last):
        ...
    ValueError: radius = 1.1 leaves none of the 2 patterns; a radius up to 1 leaves one, or draw more patterns
    """
    X = checks.array(X, "X", shape=("n", "d"))
    check_patterns(X, patterns)
    e = cells.box(X, radius, bias=bias)
    keep, gates, best = _surviving(X, patterns, e) if e.any() else _open(X, patterns)
    if not keep:
        raise ValueError(_none_left(X, patterns, e, radius, best))
    return Patterns(patterns.active[:, keep], gates[:, keep])


# ---------------------------------------------------------------------------------------------------


def _signs(rng, shape):
    return np.where(rng.standard_normal(shape) >= 0.0, 1.0, -1.0)


def _open(X, patterns):
    """Indices of the patterns of open cells, the gates (d, P) with one that makes each of them, and 0."""
    keep, gates = [], patterns.gates.copy()
    for i in range(patterns.count):
        active = patterns.active[:, i]
        gate = gates[:, i] if cells.makes(X, active, gates[:, i]) else cells.inside(X, active)
        if gate is not None:
            keep.append(i)
            gates[:, i] = gate
    return keep, gates, 0.0


def _surviving(X, patterns, e):
    """Indices of the patterns with a robust block, the gates (d, P), robust where one is, and the largest t* met."""
    keep, gates, best = [], patterns.gates.copy(), 0.0
    near = cells.nearness(X, e)
    for i in range(patterns.count):
        active, gate = patterns.active[:, i], gates[:, i]
        side = np.where(active, 1.0, -1.0) * (X @ gate)
        rounding = 1e-15 * X.shape[1] * (np.abs(X) @ np.abs(gate)).max()
        if side.min() - rounding >= (e * np.abs(gate)).sum() * (1.0 + 1e-12) and side.min() > rounding:
            keep.append(i)
            continue
        if active.any() and not active.all() and near[np.ix_(active, ~active)].min() < 1.0 - 1e-12:
            if cells.flat_block(X, active, e):
                keep.append(i)
            continue
        margin, robust = cells.robust_margin(X, active, e)
        best = max(best, margin)
        if margin >= 1.0 - 1e-9:
            keep.append(i)
            if robust is not None:
                gates[:, i] = robust
        elif cells.flat_block(X, active, e):
            keep.append(i)
    return keep, gates, best


def _none_left(X, patterns, e, radius, best):
    """What to say where no pattern is left."""
    if not e.any():
        return f"none of the {patterns.count} patterns is a pattern of X; sample them from this X"
    best = max([best, *(cells.robust_margin(X, patterns.active[:, i], e)[0] for i in range(patterns.count))])
    shown = f"{np.max(radius):.6g}" if np.ndim(radius) == 0 else "radius"
    largest = f"{best * np.max(radius):.6g}" if np.ndim(radius) == 0 else f"{best:.6g} * radius"
    advice = f"a radius up to {largest} leaves one, or draw more patterns" if best > 0.0 else "draw more patterns"
    return f"radius = {shown} leaves none of the {patterns.count} patterns; {advice}"
