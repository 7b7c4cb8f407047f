r"""One cell of the arrangement: a gate inside it, its centre, its robust margin, blocks that no move can turn.

What concerns the box does not depend on the units: columns may be scaled, and shifted by multiples of a column that
does not move.
"""

import numpy as np
from scipy.optimize import linprog, nnls

from robustnn_core import blas, checks

__all__ = [
    "MARGIN",
    "box",
    "central",
    "flat_block",
    "inside",
    "makes",
    "margins",
    "nearness",
    "patterns_of",
    "robust_margin",
]

#: A gate makes a pattern if every |x.a| is larger than this times |x||a|.
MARGIN = 1e-12


def box(X, radius, *, bias=None):
    """Return the radius e (d,) of the box. Which column is the bias, if any, is for the caller to say.

    Parameters
    ----------
    X : array_like, shape (n, d)
    radius : float or array_like (d,) >= 0
        A number is the radius of every column but ``bias``. A vector is taken as it is.
    bias : int, optional
        Index of the column that never moves (-1: the last one). None: every column moves.

    Raises
    ------
    ValueError
        A negative radius, a wrong length, a bias that is no column, a vector that moves the bias.

    Examples
    --------
    >>> from robustnn_core.convex import box
    >>> box([[0.5, 1.0], [2.0, 1.0]], 0.1, bias=1)
    array([0.1, 0. ])
    >>> box([[0.5, 1.0], [2.0, 1.0]], 0.1)  # a column of ones is a column like any other
    array([0.1, 0.1])
    """
    X = checks.array(X, "X", shape=("n", "d"))
    d = X.shape[1]
    if bias is not None:
        what = "it is the index of the column of X that never moves, or None"
        bias = checks.integer(bias, "bias", at_least=-d, at_most=d - 1, remedy=what) % d
    e = checks.array(radius, "radius")
    if e.ndim == 0:
        e = np.full(d, checks.number(radius, "radius", at_least=0.0))
        if bias is not None:
            e[bias] = 0.0
        return e
    e = checks.array(radius, "radius", shape=(d,))
    if e.min() < 0:
        raise ValueError(f"radius[{int(e.argmin())}] = {e.min()} must be >= 0")
    if bias is not None and e[bias] > 0:
        raise ValueError(f"radius[{bias}] = {e[bias]} moves column {bias}, the bias; make it 0, or name another bias")
    return e


def _whitened(F):
    """Q (n, r) with Q'Q = n I and the columns of ``F`` (n, m) as its span, and the lift L (m, r) with F L = Q."""
    size = np.linalg.norm(F, axis=0)
    used = np.flatnonzero(size > 0.0)
    if not len(used):
        return np.zeros((len(F), 0)), np.zeros((F.shape[1], 0))
    left, values, right = np.linalg.svd(F[:, used] / size[used], full_matrices=False)
    rank = int((values > 1e-12 * values[0]).sum())
    lift = np.zeros((F.shape[1], rank))
    lift[used] = right[:rank].T / values[:rank] / size[used, None] * np.sqrt(len(F))
    return np.sqrt(len(F)) * left[:, :rank], lift


def robust_margin(X, active, e):
    r"""Return :math:`t^* = \max_{\|e\circ v\|_1\le1}\min_k(E_iXv)_k` of a pattern, and a v (d,) that attains it.

    inf where a v with :math:`e\circ v=0` makes the pattern, (0, None) where no vector does; one of the two without a
    radius.
    Solved as :math:`\min\|e\circ v\|_1` subject to :math:`E_iXv\ge1`, in columns :math:`x_j/e_j` from which their
    regression on the columns without a radius is taken: a data set far from the origin is no harder than a centred one.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.cells import robust_margin
    >>> robust_margin(np.array([[1.0], [-3.0]]), np.array([True, False]), np.array([0.25]))[0]
    4.0
    """
    sign = np.where(active, 1.0, -1.0)[:, None]
    moved = e > 0.0
    Q, lift = _whitened(X[:, ~moved])
    m, r = int(moved.sum()), Q.shape[1]
    if m:
        unit = e.max()
        Z = X[:, moved] / (e[moved] / unit)
        along = np.zeros((r, m))
        for _ in range(2):
            part = Q.T @ Z / len(Q)
            Z, along = Z - Q @ part, along + part
        top = np.abs(Z).max() or 1.0
        rows = sign * np.hstack([Z / top, -Z / top, Q])
        bounds = [(0.0, None)] * (2 * m) + [(None, None)] * r
    else:  # only whether the cell is open: margins of unit rows
        size = np.linalg.norm(Q, axis=1, keepdims=True)
        if not size.all():
            return 0.0, None
        rows = sign * np.hstack([Q, -Q]) / size
        bounds = [(0.0, 1e9)] * (2 * r)
    cost = np.zeros(len(bounds))
    cost[: 2 * (m or r)] = 1.0
    found = linprog(cost, A_ub=-rows, b_ub=-np.ones(len(rows)), bounds=bounds, method="highs")
    if found.status == 2:
        return 0.0, None
    if found.status != 0:
        raise RuntimeError(f"the linear program of a robust margin failed: {found.message}")
    least = float((rows @ found.x).min())
    if not least > 0.0:
        return 0.0, None
    v = np.zeros(len(e))
    if not m:
        v[:] = lift @ (found.x[:r] - found.x[r:])
        return np.inf, v
    a, c = (found.x[:m] - found.x[m : 2 * m]) / top, found.x[2 * m :]
    v[moved] = a / (e[moved] / unit)
    v[~moved] = lift @ (c - along @ a)
    spread = float(np.abs(a).sum())
    with np.errstate(over="ignore"):  # a radius of almost 0
        with np.errstate(over="ignore"):
            return (float(least / spread / unit) if spread > 0.0 else np.inf), v


def flat_block(X, active, e):
    """Whether a nonzero v with e o v = 0 and E X v >= 0 exists: such a block is feasible whatever the margin.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.cells import flat_block
    >>> rows = np.array([[0.1, 0.0], [-0.1, 0.0], [0.3, 1.0], [0.2, 1.0]])
    >>> flat_block(rows, np.ones(4, dtype=bool), np.array([0.05, 0.0]))
    True
    """
    still = X[:, e == 0.0]
    if not still.shape[1]:
        return False
    sign = np.where(active, 1.0, -1.0)[:, None]
    if still.shape[1] == 1:
        return bool((sign * still >= 0.0).all() or (sign * still <= 0.0).all())
    Q, _ = _whitened(still)
    if Q.shape[1] < still.shape[1]:
        return True
    rows = sign * Q
    found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1.0, 1.0), method="highs")
    return bool(found.status == 0 and -found.fun > 1e-9 * len(rows))


def nearness(X, e):
    """Return for every two points the upper bound max_j |x_kj - x_lj| / (2 e_j) of t* when they are on different sides.

    inf where they differ in a column without a radius.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.cells import nearness
    >>> nearness(np.array([[0.0, 1.0], [0.4, 1.0]]), np.array([0.1, 0.0]))
    array([[0., 2.],
           [2., 0.]])
    """
    near = np.empty((len(X), len(X)))
    fixed = e == 0.0
    for k in range(len(X)):
        gap = np.abs(X - X[k])
        near[k] = (gap[:, ~fixed] / (2.0 * e[~fixed])).max(axis=1)
        near[k, (gap[:, fixed] > 0.0).any(axis=1)] = np.inf
    return near


# ---------------------------------------------------------------------------------------------------
# Without a box: gates inside a cell.


def patterns_of(X, A):
    """Return the patterns (n, m) of gates A (d, m), and the gates, without those that a point nearly lies on."""
    Z = blas.product(X, A)
    size = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(A, axis=0)
    clear = ((np.abs(Z) > MARGIN * size) | (np.linalg.norm(X, axis=1) == 0.0)[:, None]).all(axis=0)
    return Z[:, clear] >= 0.0, A[:, clear]


def makes(X, active, gate):
    """Return whether the gate makes the pattern with margin (points at the origin are active, whatever the gate)."""
    return bool(margins(X, active[:, None], gate[:, None])[0] > MARGIN)


def margins(X, active, gates):
    """Return the least sine of each gate (d, m) over its points' hyperplanes; -inf where one at 0 is not active."""
    size, length = np.linalg.norm(X, axis=1), np.linalg.norm(gates, axis=0)
    seen = size > 0.0
    least = np.full(gates.shape[1], np.inf)
    if seen.any():
        S = np.where(active[seen], 1.0, -1.0) * blas.product(X[seen], gates) / size[seen, None]
        least = S.min(axis=0) / np.where(length > 0.0, length, 1.0)
    return np.where(active[~seen].all(axis=0), least, -np.inf)


def inside(X, active):
    """Return a gate that makes the pattern with the largest margin, or None."""
    size = np.linalg.norm(X, axis=1)
    if not active[size == 0.0].all():
        return None
    rows = np.where(active, 1.0, -1.0)[:, None] * X
    gate = _widest(rows[size > 0.0] / size[size > 0.0, None])
    return gate if makes(X, active, gate) else None


def _widest(rows):
    """The u with the largest min_k rows_k.u / |u|, nearly 0 where no u has rows u > 0.

    It is the point nearest to 0 of the rows' convex hull, by nonnegative least squares (Lawson & Hanson, chapter 23).
    """
    A = np.vstack([rows.T, np.ones(len(rows))])
    try:
        return rows.T @ nnls(A, np.r_[np.zeros(rows.shape[1]), 1.0])[0]
    except RuntimeError:  # its iterations ran out
        return np.zeros(rows.shape[1])


def central(Z, E, A, steps=40):
    """Return unit gates (P, d) near the analytic centres of {a : E Z a > 0}, from gates A inside; |z_k| = 1.

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
